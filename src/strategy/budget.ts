/** Whether a student and its baseline have the same budget: epochs of different numbers of samples have not. */

import type { Execution } from "../recipe/resolve.js";
import { settingsOf } from "../recipe/resolve.js";
import type { FitRequest } from "./fit.js";

/** Budgets this close, as shares, are the same: epochs end with whole batches. */
const SAME = 0.02;

/** What to say of a comparison whose sides take different numbers of updates; null where it is fair. */
export function budgetWarning(student: FitRequest, baseline: FitRequest, execution: Execution): string | null {
  const [own, other] = [student, baseline].map(
    ({ training, samples, seed }) => settingsOf(training, samples.length, seed, execution).steps,
  ) as [number, number];
  if (Math.abs(own - other) <= SAME * Math.max(own, other)) return null;
  const count = (n: number): string => n.toLocaleString("en");
  return `${student.name} takes ${count(own)} updates and its baseline ${count(other)}: epochs of ${count(student.samples.length)} and of ${count(baseline.samples.length)} samples are different budgets. Give training.steps instead of training.epochs to compare them at the same one`;
}
