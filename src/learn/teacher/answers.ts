/** A teacher's answers, checked. */
import type { DataSet } from "../data/types.js";
import { debug, since } from "../../base/debug.js";
import { InputError, InterruptedError } from "../../base/errors.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { quote } from "../../base/quote.js";
import type { FullAnswers, Teacher } from "./types.js";

/**
 * Answers and features of a teacher for these samples.
 * @throws InputError when there are too few or too many of them, or one is not finite; InterruptedError when the teacher
 *   gives up waiting because the signal aborts
 */
export async function fullAnswers(
  teacher: Teacher,
  data: DataSet,
  indices: Uint32Array,
  signal?: AbortSignal,
): Promise<FullAnswers> {
  const { features = [], answerWithFeatures } = teacher;
  if (features.length > 0 && !answerWithFeatures)
    throw new InputError({
      code: "option-missing",
      where: teacher.name,
      found: "the teacher names features, but has no answerWithFeatures",
      expected: "a function that gives them",
    });
  const full = answerWithFeatures
    ? await answerWithFeatures.call(teacher, data, indices, signal)
    : { answers: await teacher.answer(data, indices, signal), features: [] };
  checkValues(teacher, full.answers, indices, {
    what: "values",
    of: `${teacher.classes} classes`,
    shape: [teacher.classes],
    cure: "Check its input layout and normalisation",
  });
  features.forEach(({ name, shape }, i) => {
    checkValues(teacher, full.features[i], indices, { what: `values of ${quote(name)}`, of: `[${shape}]`, shape });
  });
  return full;
}

/** Labelling that says how far it came when it is stopped. */
export async function labelBlock(
  teacher: Teacher,
  data: DataSet,
  indices: Uint32Array,
  { signal, done, total }: { readonly signal?: AbortSignal; readonly done: number; readonly total: number },
): Promise<FullAnswers> {
  const stopped = (): InterruptedError =>
    new InterruptedError(`labelling with ${teacher.name}: stopped after ${done} of ${total} samples`);
  if (signal?.aborted) throw stopped();
  const started = performance.now();
  try {
    const full = await fullAnswers(teacher, data, indices, signal);
    debug("teacher")?.(
      `${teacher.name}: answered samples ${done + 1} to ${done + indices.length} of ${total} in ${since(started)}`,
    );
    return full;
  } catch (error) {
    throw error instanceof InterruptedError ? stopped() : error;
  }
}

interface Expected {
  readonly what: string;
  readonly of: string;
  /** Of the values of one sample. */
  readonly shape: readonly number[];
  readonly cure?: string;
}

function checkValues(
  { name }: Teacher,
  values: Float32Array | undefined,
  indices: Uint32Array,
  { what, of, shape, cure }: Expected,
): void {
  const count = indices.length * sizeOf(shape);
  if (values?.length !== count)
    throw new InputError({
      code: "model-output",
      where: name,
      found: `the teacher gives ${values?.length ?? 0} ${what} for ${indices.length} samples of ${of}`,
      expected: `${count} values`,
    });
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const sample = indices[Math.floor((bad * indices.length) / values.length)];
  const found = `the teacher answers ${values[bad]} for sample ${sample}, among its ${what}`;
  throw new InputError({ code: "not-finite", where: name, found, expected: "finite numbers", cure });
}
