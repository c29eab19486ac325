/** A teacher's answers for some samples of a data set, kept in memory. */
import type { DataSet } from "../data/types.js";
import { InputError, InterruptedError } from "../errors.js";
import type { LabelOptions } from "./store.js";
import type { Teacher } from "./types.js";

export interface MemoryLabels {
  readonly kind: Teacher["kind"];
  /** Copies the rows of these samples, by their index in the data set. @throws InputError for a sample not labelled */
  gather(indices: Uint32Array, out: Float32Array): void;
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
  const started = performance.now();
  for (let at = 0; at < indices.length; at += BLOCK) {
    if (options.signal?.aborted)
      throw new InterruptedError(`labelling with ${teacher.name}: stopped after ${at} of ${indices.length} samples`);
    const part = indices.subarray(at, at + BLOCK);
    const answers = await teacher.answer(data, part);
    checkWidth(teacher, answers, part);
    const bad = answers.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new InputError(
        teacher.name,
        `the teacher answers ${answers[bad]} for sample ${part[Math.floor(bad / width)]}; check its input layout and normalisation`,
      );
    rows.set(answers, at * width);
    const done = at + part.length;
    options.onProgress?.(done, indices.length, (done * 1000) / Math.max(1, performance.now() - started));
  }
  const places = new Int32Array(data.size).fill(-1);
  indices.forEach((sample, i) => {
    places[sample] = i;
  });
  return {
    kind: teacher.kind,
    gather(wanted, out) {
      wanted.forEach((sample, i) => {
        const place = places[sample] ?? -1;
        if (place < 0) throw new InputError(teacher.name, `sample ${sample} was not labelled`);
        out.set(rows.subarray(place * width, (place + 1) * width), i * width);
      });
    },
  };
}

/** @throws InputError when the answers are not one row of the teacher's classes a sample */
export function checkWidth(teacher: Teacher, answers: Float32Array, indices: Uint32Array): void {
  const expected = indices.length * teacher.classes;
  if (answers.length !== expected)
    throw new InputError(
      teacher.name,
      `the teacher gives ${answers.length} values for ${indices.length} samples of ${teacher.classes} classes; expected ${expected}`,
    );
}
