/** A teacher's answers for some samples of a data set, kept in memory. */
import type { DataSet } from "../data/types.js";
import { InputError } from "../../base/errors.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import type { FeatureOutputs } from "./taught.js";
import { labelBlock } from "./answers.js";
import type { LabelOptions } from "./store/store.js";
import type { Teacher } from "./types.js";

export interface MemoryLabels {
  readonly kind: Teacher["kind"];
  /** Copies the rows of these samples, by their index in the data set. @throws InputError for a sample not labelled */
  gather(indices: Uint32Array, out: Float32Array): void;
  /** The teacher's inner values, by the same indices. */
  readonly features: readonly FeatureOutputs[];
}

/** Samples between two looks at the signal. */
const BLOCK = 512;

/**
 * Asks a teacher once for each of these samples.
 * @throws InterruptedError when the signal aborts
 * @throws InputError when an answer is not finite
 */
export async function labelInMemory(
  teacher: Teacher,
  data: DataSet,
  indices: Uint32Array,
  options: Pick<LabelOptions, "signal" | "onProgress"> = {},
): Promise<MemoryLabels> {
  const width = teacher.classes;
  const rows = new Float32Array(indices.length * width);
  const inner = (teacher.features ?? []).map((f) => ({
    ...f,
    rows: new Float32Array(indices.length * sizeOf(f.shape)),
  }));
  const started = performance.now();
  for (let at = 0; at < indices.length; at += BLOCK) {
    const part = indices.subarray(at, at + BLOCK);
    const { answers, features } = await labelBlock(teacher, data, part, {
      signal: options.signal,
      done: at,
      total: indices.length,
    });
    rows.set(answers, at * width);
    features.forEach((values, i) => {
      const { rows: kept, shape } = inner[i] as (typeof inner)[number];
      kept.set(values, at * sizeOf(shape));
    });
    const done = at + part.length;
    options.onProgress?.(done, indices.length, (done * 1000) / Math.max(1, performance.now() - started));
  }
  const places = new Int32Array(data.size).fill(-1);
  indices.forEach((sample, i) => {
    places[sample] = i;
  });
  const gatherFrom =
    (from: Float32Array, size: number) =>
    (wanted: Uint32Array, out: Float32Array): void =>
      wanted.forEach((sample, i) => {
        const place = places[sample] ?? -1;
        if (place < 0)
          throw new InputError({
            code: "store-mismatch",
            where: teacher.name,
            found: `it has no answer for sample ${sample}`,
            cure: "Label the samples that are trained on",
          });
        out.set(from.subarray(place * size, (place + 1) * size), i * size);
      });
  return {
    kind: teacher.kind,
    gather: gatherFrom(rows, width),
    features: inner.map(({ rows: kept, ...f }) => ({ ...f, gather: gatherFrom(kept, sizeOf(f.shape)) })),
  };
}
