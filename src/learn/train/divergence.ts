/** Explains a training that blew up. */
import { RunError } from "../../base/errors.js";
import type { TrainingTask } from "./types.js";

/**
 * @param row the step's losses: total, then each term
 * @param norm global gradient norm of the step
 * @param kept folder of the last checkpoint, if there is one
 */
export function describeDivergence(
  task: TrainingTask,
  terms: readonly string[],
  step: number,
  row: Float32Array,
  norm: number | undefined,
  lr: number | undefined,
  kept: string | null,
): RunError {
  const bad = terms.filter((_, i) => !Number.isFinite(row[i + 1]));
  const what =
    bad.length > 0
      ? `the term ${bad.map((t) => `"${t}"`).join(" and ")} is not finite (${row[terms.indexOf(bad[0] as string) + 1]})`
      : `the gradient is not finite (norm ${norm})`;
  return diverged(task, `step ${step} (lr ${lr?.toPrecision(3)})`, what, kept);
}

/** The weights after a step are such that the model's outputs on the validation samples overflow. */
export function describeOverflow(task: TrainingTask, step: number, kept: string | null): RunError {
  return diverged(task, `step ${step}`, "the outputs on the validation samples are not finite", kept);
}

function diverged(task: TrainingTask, when: string, what: string, kept: string | null): RunError {
  const clip = task.settings.clipNorm === 0 ? ", set training.clip_norm (1 is usual)," : "";
  const checkpoint = kept === null ? "" : `. The last good checkpoint is kept in ${kept}`;
  return new RunError({
    code: "diverged",
    where: task.name,
    found: `training diverged at ${when}: ${what}`,
    cure: `Lower training.schedule.lr${clip} or add warm-up${checkpoint}`,
  });
}
