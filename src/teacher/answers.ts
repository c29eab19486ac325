/** A teacher's answers, checked. */
import type { DataSet } from "../data/types.js";
import { InputError } from "../errors.js";
import { sizeOf } from "../graph/tensor.js";
import type { FullAnswers, Teacher } from "./types.js";

/**
 * Answers and features of a teacher for these samples.
 * @throws InputError when there are too few or too many of them, or one is not finite
 */
export async function fullAnswers(teacher: Teacher, data: DataSet, indices: Uint32Array): Promise<FullAnswers> {
  const { features = [], answerWithFeatures } = teacher;
  if (features.length > 0 && !answerWithFeatures)
    throw new InputError(teacher.name, "the teacher names features, but has no answerWithFeatures to give them");
  const full = answerWithFeatures
    ? await answerWithFeatures.call(teacher, data, indices)
    : { answers: await teacher.answer(data, indices), features: [] };
  checkWidth(teacher, full.answers, indices);
  checkFinite(teacher, full.answers, indices, "the teacher answers", "; check its input layout and normalisation");
  features.forEach(({ name, shape }, i) => {
    const values = full.features[i];
    const expected = indices.length * sizeOf(shape);
    if (values?.length !== expected)
      throw new InputError(
        teacher.name,
        `the teacher gives ${values?.length ?? 0} values of "${name}" for ${indices.length} samples of [${shape}]; expected ${expected}`,
      );
    checkFinite(teacher, values, indices, `the teacher's "${name}" holds`, "");
  });
  return full;
}

/** @throws InputError when the answers are not one row of the teacher's classes a sample */
function checkWidth(teacher: Teacher, answers: Float32Array, indices: Uint32Array): void {
  const expected = indices.length * teacher.classes;
  if (answers.length !== expected)
    throw new InputError(
      teacher.name,
      `the teacher gives ${answers.length} values for ${indices.length} samples of ${teacher.classes} classes; expected ${expected}`,
    );
}

function checkFinite(teacher: Teacher, values: Float32Array, indices: Uint32Array, what: string, advice: string): void {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const sample = indices[Math.floor((bad * indices.length) / values.length)];
  throw new InputError(teacher.name, `${what} ${values[bad]} for sample ${sample}${advice}`);
}
