/** Samples to show on a data page: as pictures where they are images, else as their first values. */

import { sizeOf } from "../../engine/graph/tensor.js";
import { sampleName } from "../data/audit/sample-names.js";
import type { DataAudit } from "../data/audit/types.js";
import { sampleAt } from "../data/read.js";
import type { DataSet, LoadedData } from "../data/types.js";
import { pngDataUri } from "./image.js";

/** Sides of a picture in pixels; larger images are made smaller. */
const LARGEST = 72;
/** Classes, samples of a class and part, and values of a row that are shown. */
const CLASSES = 20;
const EACH = 4;
const VALUES = 10;

export interface ShownSample {
  /** Its file, or its number. */
  readonly name: string;
  readonly label: string | null;
  /** A PNG as a data URI; null where the sample is not an image. */
  readonly picture: string | null;
  /** Its first values, for what is not an image. */
  readonly values: readonly number[];
}

export interface ClassExamples {
  /** The class; null for data without labels. */
  readonly name: string | null;
  readonly parts: readonly {
    readonly part: "train" | "validation" | "test";
    readonly samples: readonly ShownSample[];
  }[];
}

export interface DataExamples {
  readonly images: boolean;
  /** Names of the values that are shown of a row. */
  readonly columns: readonly string[];
  /** Values of a sample that are not shown. */
  readonly hidden: number;
  readonly classes: readonly ClassExamples[];
  show(index: number): ShownSample;
}

/** The first samples of each class in each part; of many classes those that the audit shows. */
export function collectExamples(loaded: LoadedData, audit: DataAudit): DataExamples {
  const { data } = loaded;
  const images = isImage(data);
  const size = sizeOf(data.sampleShape);
  const width = Math.min(size, VALUES);
  const show = (index: number): ShownSample => showSample(data, index, audit.values, width);
  return {
    images,
    columns: Array.from({ length: width }, (_, c) => data.features?.[c] ?? `value ${c}`),
    hidden: images ? 0 : size - width,
    classes: chosenClasses(loaded, audit).map((name) => ({ name, parts: partsOf(loaded, name, show) })),
    show,
  };
}

/** Grey or RGB, large enough to be seen. */
function isImage({ sampleShape }: DataSet): boolean {
  const [channels, height = 0, width = 0] = sampleShape;
  return sampleShape.length === 3 && (channels === 1 || channels === 3) && height > 1 && width > 1;
}

function chosenClasses({ data }: LoadedData, { classes }: DataAudit): (string | null)[] {
  if (!classes) return [null];
  const names = classes.shown.map((c) => c.name);
  if (names.length <= CLASSES) return names;
  return classes.omitted > 0
    ? [...names.slice(0, CLASSES / 2), ...names.slice(-CLASSES / 2)]
    : data.classes.slice(0, CLASSES);
}

function partsOf(
  { data, splits }: LoadedData,
  name: string | null,
  show: (index: number) => ShownSample,
): ClassExamples["parts"] {
  const own = name === null ? -1 : data.classes.indexOf(name);
  return (["train", "validation", "test"] as const).map((part) => {
    const samples: ShownSample[] = [];
    for (const i of splits[part]) {
      if (samples.length === EACH) break;
      if (name === null || data.labels?.[i] === own) samples.push(show(i));
    }
    return { part, samples };
  });
}

function showSample(data: DataSet, index: number, range: DataAudit["values"], width: number): ShownSample {
  const values = sampleAt(data, index);
  const label = data.classes[data.labels?.[index] ?? -1] ?? null;
  const name = sampleName(data, index);
  if (!isImage(data)) return { name, label, picture: null, values: Array.from(values.subarray(0, width)) };
  return { name, label, picture: pictureOf(data.sampleShape, values, range), values: [] };
}

/** @param range of all data: its lowest value is black and its highest white; bytes keep their own */
export function pictureOf(
  shape: readonly number[],
  values: ArrayLike<number>,
  { low, high }: Pick<DataAudit["values"], "low" | "high">,
): string {
  const [channels = 1, height = 1, width = 1] = shape;
  const [black, white] = values instanceof Uint8Array && (high ?? 0) > 127 ? [0, 255] : [low ?? 0, high ?? 1];
  const factor = Math.max(1, Math.ceil(Math.max(height, width) / LARGEST));
  const [rows, columns] = [Math.max(1, Math.floor(height / factor)), Math.max(1, Math.floor(width / factor))];
  const small: number[] = [];
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        let sum = 0;
        let count = 0;
        for (let v = y * factor; v < Math.min(height, (y + 1) * factor); v++)
          for (let u = x * factor; u < Math.min(width, (x + 1) * factor); u++) {
            sum += values[(c * height + v) * width + u] as number;
            count++;
          }
        small.push((sum / count - black) / Math.max(1e-12, white - black));
      }
  return pngDataUri([channels, rows, columns], small);
}
