/** Replayed views that are one fixed picture of each sample. */
import { noun } from "../../base/noun.js";
import { settingsOf } from "../../run/recipe/resolve.js";
import { planBatches } from "../../learn/train/batches.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { viewPlanOf } from "../../run/teaching/views.js";
import { type Check, fine, skipped } from "./types.js";

const CHECK = "replayed views";

export const fixedViews: Check = ({ plan, loaded, threads }) => {
  const arm = expandArms(plan, loaded)[0] as Arm;
  const viewPlan = viewPlanOf(arm);
  if (!viewPlan) return [skipped(CHECK, "the recipe does not replay views")];
  const settings = settingsOf(plan.training, viewPlan.samples.length, plan.seed, { threads, device: "cpu" });
  const { stepsPerEpoch } = planBatches(viewPlan.samples.length, settings.batch, settings.accumulate);
  const epochs = Math.ceil(settings.steps / stepsPerEpoch);
  const found = `${noun(viewPlan.count, "view")} of each sample in ${noun(epochs, "epoch")}`;
  if (viewPlan.count > 1 || epochs === 1) return [fine(CHECK, found)];
  return [
    {
      check: CHECK,
      status: "warn",
      found,
      why: "every epoch shows the same view of a sample, which is not augmentation but a different data set of the same size",
      change: `--set transfer.views.count=${Math.min(8, epochs)}, or --set transfer.views.answers=online`,
    },
  ];
};
