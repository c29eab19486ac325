/** All losses. Adding one: write its file, add it to one of the two lists here. */
import { crossEntropy } from "./cross-entropy.js";
import { kd } from "./kd.js";
import { logitMse } from "./logit-mse.js";
import type { LossConfig, LossDefinition } from "./types.js";

/** Losses against the labels. */
export const studentLosses = [crossEntropy] as const;
/** Losses against the teacher. */
export const distillationLosses = [kd, logitMse] as const;

type ConfigOf<D> = D extends LossDefinition<infer Config> ? Config : never;
/** Configuration of any loss against the labels. */
export type StudentLossConfig = ConfigOf<(typeof studentLosses)[number]>;
/** Configuration of any loss against the teacher. */
export type DistillationLossConfig = ConfigOf<(typeof distillationLosses)[number]>;

/** The definition behind a kind in one of the lists, if there. */
export function findLoss(
  losses: readonly LossDefinition<LossConfig>[],
  kind: string,
): LossDefinition<LossConfig> | undefined {
  return losses.find((l) => l.name === kind);
}
