/** Parts of NumPy arrays: their samples and labels, and the source they make together. */
import { InputError } from "../../../base/errors.js";
import type { DataFinding } from "../findings.js";
import { type NpyArray, parseNpy } from "./npy.js";
import { sampleLayout } from "./npy-format.js";
import { readNpyLabels } from "./npy-labels.js";
import { allocateSamples, channelsFirst, wholeSamples } from "../samples.js";
import type { RawArray, RawPart, RawSource } from "../source.js";
import type { SampleArray } from "../../../engine/graph/samples.js";

/** An array's bytes, with what messages call it. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One part: its samples and, where they are there, its labels. */
export interface NpyPart {
  readonly samples: NpySamples;
  /** Further arrays of the same records. */
  readonly others?: readonly { readonly name: string; readonly array: NpySamples }[];
  readonly labels: NamedBytes | null;
  readonly title?: string;
}

export interface NpySamples extends Pick<RawPart, "samples" | "made"> {
  readonly name: string;
  /** NumPy's name of the element type. */
  readonly type: string;
  readonly count: number;
  readonly shape: readonly number[];
}

export interface NpyParts {
  /** What the samples are called among several arrays. */
  readonly input?: string | undefined;
  readonly train: NpyPart;
  readonly validation: NpyPart | null;
  readonly test: NpyPart | null;
  readonly findings: readonly DataFinding[];
}

/** A source of parts whose samples have one shape. @throws InputError when they have not, or labels do not fit */
export function sourceOfParts(name: string, { input, train, validation, test, findings }: NpyParts): RawSource {
  const first = train.samples;
  const found = [...findings];
  let labelKind: RawSource["labelKind"] = "numbers";
  const part = ({ samples, others = [], labels, title }: NpyPart): RawPart => {
    if (samples.shape.join() !== first.shape.join())
      throw new InputError({
        code: "array-mismatch",
        where: samples.name,
        found: `its samples are [${samples.shape}], those of ${first.name} are [${first.shape}]`,
        expected: "samples of one shape in all parts",
        cure: "Save all parts with the same shape",
      });
    const read = labels && readNpyLabels(labels.bytes, labels.name, samples.count, samples.name);
    if (read?.finding) found.push(read.finding);
    if (isRounded(samples)) found.push(rounded(samples.name));
    if (read?.text) labelKind = "text";
    return {
      samples: samples.samples,
      ...(samples.made ? { made: samples.made } : {}),
      ...(others.length > 0 ? { others: others.map(({ name: key, array }) => rawArray(key, array)) } : {}),
      labels: read?.labels ?? null,
      from: samples.name,
      ...(labels ? { labelsFrom: labels.name } : {}),
      ...(title === undefined ? {} : { title }),
    };
  };
  const bytes = first.samples instanceof Uint8Array;
  const parts = { train: part(train), validation: validation && part(validation), test: test && part(test) };
  return {
    name,
    sampleShape: first.shape,
    ...(input === undefined ? {} : { input }),
    ...parts,
    findings: found,
    labelKind,
    defaultNormalise: bytes ? "unit" : "none",
    unit: bytes ? 1 / 255 : 1,
  };
}

const rawArray = (name: string, { samples, made, shape, name: from }: NpySamples): RawArray => ({
  name,
  samples,
  ...(made ? { made } : {}),
  sampleShape: shape,
  from,
});

/** Integers are float32 only where one does not fit into 32 bits. */
const isRounded = ({ type, samples }: NpySamples): boolean => /^.[iu]/.test(type) && samples instanceof Float32Array;

const rounded = (name: string): DataFinding => ({
  code: "integers-rounded",
  level: "warning",
  where: name,
  text: "It holds whole numbers beyond 32 bits, which became float32 with about 7 digits.",
  cure: "Save smaller numbers if every digit counts.",
});

/** An array as samples, channels first. */
export function samplesOf({ name, bytes }: NamedBytes): NpySamples {
  const array = parseNpy(bytes, name);
  const { count, shape, channelsLast } = sampleLayout(array.shape, name);
  const given = elementsOf(array);
  const described = { name, type: array.type, count, shape };
  if (!channelsLast) return { ...described, samples: given };
  const [channels, height, width] = shape as [number, number, number];
  const samples = allocateSamples(given, given.length);
  channelsFirst(given, samples, count, height * width, channels);
  return { ...described, samples };
}

/** Bytes stay bytes, integers become int32 where all fit (float32 would round large ones), everything else float32. */
function elementsOf({ data, type }: NpyArray): SampleArray {
  if (data instanceof Uint8Array) return data;
  return (/[iu][1248]$/.test(type) ? wholeSamples(data) : null) ?? Float32Array.from(data);
}
