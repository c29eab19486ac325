/** An average of the weights that still contains the initial weights. */
import { noun } from "../../base/noun.js";
import { settingsOf } from "../../run/recipe/resolve.js";
import { initialShare, initialShareWarning } from "../../learn/train/average.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { type Check, fine, skipped } from "./types.js";

const CHECK = "average of the weights";

export const averageLength: Check = ({ plan, loaded, threads }) => {
  const { transfer } = expandArms(plan, loaded)[0] as Arm;
  const { average, steps } = settingsOf(plan.training, transfer.length, plan.seed, { threads, device: "cpu" });
  if (!average) return [skipped(CHECK, "the recipe does not average weights")];
  const share = initialShare(average, steps);
  const warning = initialShareWarning(average, steps);
  if (!warning)
    return [
      fine(CHECK, `after ${noun(steps, "step")}, ${(100 * share).toFixed(2)} % of the average are initial weights`),
    ];
  const [found = warning] = warning.split("; ");
  // decay ^ steps is half of what is warned of.
  const decay = Math.floor(1000 * 0.005 ** (1 / steps)) / 1000;
  return [
    {
      check: CHECK,
      status: "warn",
      found,
      why: "the model that is validated, selected and exported still contains part of the untrained weights",
      change: average.ramp
        ? "train longer"
        : `--set training.ema.decay=${decay}, or set training.ema.ramp, or train longer`,
    },
  ];
};
