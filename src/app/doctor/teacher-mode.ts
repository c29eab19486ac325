/** Teacher and student files in training mode, and with operators that draw random numbers. */
import { resolve } from "node:path";
import { modelFile } from "../../engine/models/registry.js";
import { loadModelFile } from "../../node/model-file.js";
import { inferenceForm, inferenceNotes, randomNote } from "../../engine/graph/inference-form.js";
import { type Check, type Finding, fine, skipped } from "./types.js";

const CHECK = "teacher's mode";
const STUDENT = "student's mode";

/** Looks at the files as they were exported, and asks the teacher the same twice, in other company. */
export const teacherMode: Check = ({ plan, folder, teacher, answers, again }) => {
  const { student } = plan;
  const file = modelFile(student);
  const own = file === null ? null : fileMode(STUDENT, resolve(folder, file), "its outputs");
  const ofStudent = file !== null ? [own ?? fine(STUDENT, "it was exported in inference mode")] : [];
  if (!teacher?.file) return [skipped(CHECK, "the teacher is not an ONNX file"), ...ofStudent];
  const found = fileMode(CHECK, teacher.file, "its answers");
  if (found) return [found, ...ofStudent];
  if (!answers || !again) return [skipped(CHECK, "the teacher's answers are not available"), ...ofStudent];
  const largest = answers.values.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-12);
  const difference = answers.values.reduce((most, v, i) => Math.max(most, Math.abs(v - (again[i] as number))), 0);
  const said = `the answers for the same samples in a different order differ by up to ${difference.toPrecision(2)} (largest answer ${largest.toPrecision(3)})`;
  if (difference <= 1e-2 * largest) return [fine(CHECK, said), ...ofStudent];
  const why = "its answers depend on chance or on the other samples of the batch, so they are partly noise";
  return [{ check: CHECK, status: "fail", found: said, why, change: EXPORT }, ...ofStudent];
};

const EXPORT = "export it in evaluation mode (PyTorch: model.eval() before export), then label again";

/** What is wrong with the mode of a file; null when nothing is. */
function fileMode(check: string, path: string, whose: string): Finding | null {
  const form = inferenceForm(loadModelFile(path).model, path);
  const random = randomNote(form, whose);
  if (random) {
    const why = "answers that differ from call to call are partly noise, and a run cannot be repeated";
    return {
      check,
      status: "fail",
      found: random,
      why,
      change: "export it without operators that draw random numbers",
    };
  }
  const notes = inferenceNotes(form);
  if (notes.length === 0) return null;
  const why = "its answers are not those of the file as it is, which depend on the batch or on chance";
  return { check, status: "warn", found: notes.join("; "), why, change: "nothing, or export it in evaluation mode" };
}
