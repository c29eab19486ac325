/** Looks at a recipe's teacher as far as a training step must know it. */
import type { TeacherPlan } from "../recipe/schema/schema.js";
import { reusableOf } from "../students/reused-classifier.js";
import { teacherEntryOf } from "./registry.js";
import { PLAIN_STEP, type StepTeacher, type StepTeacherOptions } from "./step-teacher.js";

/**
 * A file is opened and asked about some samples, a label store is read, nothing is trained.
 * @returns null where the recipe has none
 * @throws InputError when the teacher does not fit the data
 */
export async function stepTeacherOf(teacher: TeacherPlan, options: StepTeacherOptions): Promise<StepTeacher | null> {
  const entry = teacherEntryOf(teacher);
  if (entry.stepTeacher) return entry.stepTeacher(teacher, options);
  if (!entry.open) throw new Error(`the teacher "${entry.kind}" has neither stepTeacher nor open`);
  const { loaded, folder, layers, threads } = options;
  const probe = loaded.splits.train;
  // How much it knows is the doctor's to say.
  const opened = await entry.open(teacher, { loaded, folder, probe, threads, features: layers, allowChance: true });
  try {
    const { kind, classes, features = [] } = opened;
    return { ...PLAIN_STEP, kind, classes, features, reusable: reusableOf(opened) };
  } finally {
    await opened.dispose();
  }
}
