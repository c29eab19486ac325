/** The objective as plain data. */
import type { CustomLossConfig } from "./custom.js";
import type { DistillationLossConfig, FeatureLossConfig, PeerLossConfig, StudentLossConfig } from "./registry.js";
import type { FactorSchedule } from "./schedule.js";

/** Weight and name of a further term. */
export interface TermSettings {
  /** Default 1. */
  readonly weight?: number;
  /** Multiplies the weight over the training. */
  readonly schedule?: FactorSchedule;
  /** In logs and reports; default the kind, numbered where it occurs again. */
  readonly name?: string;
}

/** A further term: any loss with its own configuration, a weight and a schedule. */
export type TermConfig = TermSettings &
  (StudentLossConfig | DistillationLossConfig | FeatureLossConfig | CustomLossConfig);

/**
 * The objective as plain data.
 *
 * `alpha` is how much the student follows the teacher: (1 - alpha) student loss + alpha distillation loss; 1 needs no
 * labels. Keras's distillation tutorial means the opposite by alpha (the weight of the LABEL loss): its 0.1 is 0.9 here.
 * `weights` replaces alpha and need not sum to 1. Neither: alpha 0.9 with a distillation loss, labels alone without.
 * `terms` are added to both, each with a weight of its own.
 */
export interface ObjectiveConfig {
  readonly alpha?: number;
  /** Multiplies alpha over the training; the student loss gets the rest up to 1. */
  readonly alphaSchedule?: FactorSchedule;
  readonly weights?: { readonly student: number; readonly distillation: number };
  readonly studentLoss: StudentLossConfig;
  readonly distillationLoss?: DistillationLossConfig | CustomLossConfig | PeerLossConfig;
  readonly terms?: readonly TermConfig[];
  /**
   * So many students learn together: the logits are theirs side by side, [batch, peers * classes], and every term is the sum
   * over them. To each of them the others are constants. Default 1.
   */
  readonly peers?: number;
}
