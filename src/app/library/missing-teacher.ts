/** A `Distiller` without a teacher whose objective asks one. Nothing here is Node's. */
import { InputError } from "../../base/errors.js";

/** What to say where an objective reads a teacher's answers and there is none. */
export const noTeacherGiven = (): InputError =>
  new InputError({
    code: "teacher-missing",
    where: "Distiller",
    found: "the objective reads a teacher's answers, and there is no teacher",
    expected: "the option teacher",
    cure: "Give a teacher, or compile with alpha: 0",
  });
