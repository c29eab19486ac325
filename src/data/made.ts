/** Samples that are made when they are asked for: read from a file, drawn, computed. Nothing here is Node's. */
import { InputError } from "../errors.js";
import { fillBatch } from "./read.js";
import { allocateSamples } from "./samples.js";
import type { RawPart } from "./source.js";
import type { SampleArray } from "./types.js";

/** Samples of a part, of `size` values each. */
export const countOf = ({ made, samples }: RawPart, size: number): number => made?.count ?? samples.length / size;

/** The first samples of a part. */
export function cutPart({ made, samples, labels, names }: RawPart, limit: number, size: number): RawPart {
  return {
    samples: samples.slice(0, limit * size),
    ...(made ? { made: { ...made, count: Math.min(limit, made.count) } } : {}),
    labels: labels?.slice(0, limit) ?? null,
    ...(names ? { names: names.slice(0, limit) } : {}),
  };
}

/** Two parts one after the other. Of one type where both are, else float32. */
export function joinParts(a: RawPart, b: RawPart, size: number): Pick<RawPart, "samples" | "made"> {
  const same = a.samples.constructor === b.samples.constructor;
  const zeros = (length: number): SampleArray => (same ? allocateSamples(a.samples, length) : new Float32Array(length));
  if (!a.made && !b.made) {
    const samples = zeros(a.samples.length + b.samples.length);
    samples.set(a.samples);
    samples.set(b.samples, a.samples.length);
    return { samples };
  }
  const [first, second] = [countOf(a, size), countOf(b, size)];
  const fill = (indices: Uint32Array, out: SampleArray): void => {
    fillFrom(a, size, 0, first, indices, out);
    fillFrom(b, size, first, first + second, indices, out);
  };
  return { samples: zeros(0), made: { count: first + second, fill, blocks: a.made?.blocks } };
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

/**
 * Lets pieces pass whose values are all finite.
 * @throws InputError naming sample and column of the first that is not
 */
export function* finitePieces(
  name: string,
  pieces: Iterable<SampleArray>,
  size: number,
  features: readonly string[] | undefined,
): Generator<SampleArray> {
  let before = 0;
  for (const piece of pieces) {
    const bad = piece instanceof Float32Array ? piece.findIndex((v) => !Number.isFinite(v)) : -1;
    if (bad >= 0) {
      const column = features?.[bad % size] ?? `value ${bad % size}`;
      throw new InputError(
        name,
        `sample ${before + Math.floor(bad / size)}, ${column}: found ${piece[bad]}; every value must be a finite number. Remove the sample or fill the gap`,
      );
    }
    before += piece.length / size;
    yield piece;
  }
}
