/** Labels as a NumPy array: whole numbers, text, or a column for every class with a single one in each row. */
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import type { DataFinding } from "../findings.js";
import { parseNpy } from "./npy.js";
import { checkLength, isText, type NpyHeader, parseHeader, textReader } from "./npy-format.js";

export interface NpyLabels {
  /** Classes as texts; "NaN" among numbers where one is missing. */
  readonly labels: readonly string[];
  /** Whether the array holds text. */
  readonly text: boolean;
  /** Of labels that were converted. */
  readonly finding?: DataFinding;
}

/**
 * @param count of samples in `samples`, which messages name
 * @throws InputError when there is not one label for every sample, or the labels cannot be classes
 */
export function readNpyLabels(bytes: Uint8Array, name: string, count: number, samples: string): NpyLabels {
  const header = parseHeader(bytes, name);
  const { shape } = header;
  if (shape[0] !== count || shape.length > 2) throw unfit(header, name, count, samples);
  const [, width = 1] = shape;
  if (width > 1 && !isText(header)) return oneHot(bytes, name);
  if (width !== 1) throw unfit(header, name, count, samples);
  if (isText(header)) return { labels: texts(bytes, name, header), text: true };
  const { data } = parseNpy(bytes, name);
  const large = data.findIndex((v) => Number.isInteger(v) && !Number.isSafeInteger(v));
  if (large >= 0)
    throw new InputError({
      code: "label-type",
      where: name,
      found: `label ${large} is a whole number beyond 2^53, which cannot be told from its neighbours`,
      expected: "class indices or text",
      cure: "Save the labels as text, as in y.astype(str)",
    });
  return { labels: Array.from(data, String), text: false };
}

function unfit({ shape }: NpyHeader, name: string, count: number, samples: string): InputError {
  const labels = shape[0] === undefined ? "a single number" : `${noun(shape[0], "label")} (shape [${shape}])`;
  return new InputError({
    code: "array-mismatch",
    where: name,
    found: `it holds ${labels}, but ${samples} holds ${noun(count, "sample")}`,
    expected: `labels of shape [${count}], or one-hot labels of shape [${count}, classes]`,
    cure: shape[0] === count ? "Save one label a sample" : "Check that labels and samples belong together",
  });
}

function texts(bytes: Uint8Array, name: string, header: NpyHeader): string[] {
  const { shape, type, start, elementBytes } = header;
  const count = shape[0] as number;
  checkLength(shape, type, count * elementBytes, bytes.length - start, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = textReader(header, name);
  return Array.from({ length: count }, (_, i) => read(view, start + i * elementBytes));
}

/** [N, classes]: the place of the one in each row. @throws InputError for rows that are anything else */
function oneHot(bytes: Uint8Array, name: string): NpyLabels {
  const { shape, data } = parseNpy(bytes, name);
  const [count, width] = shape as [number, number];
  const labels: string[] = [];
  for (let row = 0; row < count; row++) {
    const values = data.subarray(row * width, (row + 1) * width);
    const place = values.indexOf(1);
    if (place < 0 || values.some((v, i) => v !== (i === place ? 1 : 0)))
      throw notOneHot(name, row, Array.from(values), shape);
    labels.push(String(place));
  }
  return {
    labels,
    text: false,
    finding: {
      code: "labels-one-hot",
      level: "note",
      where: name,
      text: `The labels are one-hot [${shape}] and are read as the column of the one: classes 0 to ${width - 1}.`,
      count,
    },
  };
}

function notOneHot(name: string, row: number, values: readonly number[], shape: readonly number[]): InputError {
  const ones = values.filter((v) => v === 1).length;
  const binary = values.every((v) => v === 0 || v === 1);
  const sum = values.reduce((total, v) => total + v, 0);
  const found = !binary
    ? Math.abs(sum - 1) < 1e-3 && values.every((v) => v >= 0)
      ? "holds probabilities"
      : `holds ${values.find((v) => v !== 0 && v !== 1)}`
    : ones === 0
      ? "holds no one"
      : `holds ${ones} ones: a sample with several labels`;
  return new InputError({
    code: "label-type",
    where: name,
    found: `row ${row} of labels [${shape}] ${found}`,
    expected: `one class a sample: labels of shape [${shape[0]}], or a single one in every row`,
    cure: "Save class indices, such as y.argmax(axis=1)",
  });
}
