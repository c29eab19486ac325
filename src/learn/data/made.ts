/** Samples that are made when they are asked for: read from a file, drawn, computed. Nothing here is Node's. */
import { InputError } from "../../base/errors.js";
import { fillBatch } from "./read.js";
import { allocateSamples } from "./samples.js";
import type { MadeSamples, RawPart, RawSource } from "./source.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import type { SampleArray } from "../../engine/graph/samples.js";

/** Samples of a part, of `size` values each. */
export const countOf = ({ made, samples }: RawPart, size: number): number => made?.count ?? samples.length / size;

/** A window's blocks hold at least so many samples. */
const LEAST_ROWS = 16;

/** Some samples of a part, in their order. @param kept their indices, ascending */
export function drawPart(part: RawPart, kept: Uint32Array, size: number): RawPart {
  const { made, samples, labels, names } = part;
  const select = <T>(values: readonly T[]): T[] => Array.from(kept, (i) => values[i] as T);
  const drawn = allocateSamples(samples, made ? 0 : kept.length * size);
  if (!made) fillBatch({ samples, sampleShape: [size] }, kept, drawn);
  const others = part.others?.map((array) => ({
    ...array,
    ...drawPart({ ...array, labels: null }, kept, sizeOf(array.sampleShape)),
  }));
  return {
    ...part,
    samples: drawn,
    ...(made ? { made: drawMade(made, kept) } : {}),
    ...(others ? { others } : {}),
    labels: labels && select(labels),
    ...(names ? { names: select(names) } : {}),
  };
}

function drawMade(made: MadeSamples, kept: Uint32Array): MadeSamples {
  const { blocks, identity } = made;
  return {
    count: kept.length,
    fill: (indices, out) =>
      made.fill(
        indices.map((i) => kept[i] as number),
        out,
      ),
    // A block of the file holds fewer of the samples that are left.
    ...(blocks
      ? { blocks: { ...blocks, rows: Math.max(LEAST_ROWS, Math.round((blocks.rows * kept.length) / made.count)) } }
      : {}),
    ...(identity === undefined ? {} : { identity: `${identity} limited to ${kept.join()}` }),
  };
}

/** Parts one after the other. Of one type where all are, else float32. */
export function joinParts(parts: readonly RawPart[], size: number): Pick<RawPart, "samples" | "made"> {
  const [first, ...others] = parts as [RawPart, ...RawPart[]];
  if (others.length === 0) return first;
  const same = others.every((p) => p.samples.constructor === first.samples.constructor);
  const zeros = (length: number): SampleArray =>
    same ? allocateSamples(first.samples, length) : new Float32Array(length);
  if (parts.every((p) => !p.made)) {
    const samples = zeros(parts.reduce((sum, p) => sum + p.samples.length, 0));
    let at = 0;
    for (const part of parts) {
      samples.set(part.samples, at);
      at += part.samples.length;
    }
    return { samples };
  }
  let count = 0;
  const places = parts.map((part) => {
    const from = count;
    count += countOf(part, size);
    return { part, from, to: count };
  });
  const fill = (indices: Uint32Array, out: SampleArray): void => {
    for (const { part, from, to } of places) fillFrom(part, size, from, to, indices, out);
  };
  return { samples: zeros(0), made: { count, fill, blocks: first.made?.blocks } };
}

/** Copies those of the samples that lie in a part, which holds the numbers from .. to-1. */
function fillFrom(part: RawPart, size: number, from: number, to: number, indices: Uint32Array, out: SampleArray): void {
  const inside = (i: number): boolean => i >= from && i < to;
  const own = indices.filter(inside).map((i) => i - from);
  if (own.length === 0) return;
  const data = { samples: part.samples, sampleShape: [size], fill: part.made?.fill };
  if (own.length === indices.length && out.constructor === part.samples.constructor) {
    fillBatch(data, own, out);
    return;
  }
  const values = allocateSamples(part.samples, own.length * size);
  fillBatch(data, own, values);
  let k = 0;
  indices.forEach((index, i) => {
    if (inside(index)) out.set(values.subarray(k * size, ++k * size), i * size);
  });
}

/** What messages say of a sample: its part's file, its number there. */
export interface SamplePlace {
  readonly where: string;
  readonly sample: string;
}

/**
 * Lets pieces pass whose values are all finite, or missing where the source says that they are filled later.
 * @param place of a sample by its number among all
 * @throws InputError naming sample and column of the first that is not
 */
export function* finitePieces(
  pieces: Iterable<SampleArray>,
  size: number,
  source: Pick<RawSource, "features" | "fillMissing">,
  place: (sample: number) => SamplePlace,
): Generator<SampleArray> {
  let before = 0;
  const gaps = source.fillMissing !== undefined;
  for (const piece of pieces) {
    const bad =
      piece instanceof Float32Array ? piece.findIndex((v) => !Number.isFinite(v) && !(gaps && Number.isNaN(v))) : -1;
    if (bad >= 0) {
      const column = source.features?.[bad % size] ?? `value ${bad % size}`;
      const { where, sample } = place(before + Math.floor(bad / size));
      throw new InputError({
        code: "not-finite",
        where,
        found: `${sample}, ${column} is ${piece[bad]}`,
        expected: "finite numbers",
        cure: "Remove the sample, or fill the gap",
      });
    }
    before += piece.length / size;
    yield piece;
  }
}
