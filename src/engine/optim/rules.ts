/** Update rules: defaults, sizes, and the definition every fast form is tested against. */
import type { AdamRule, ScheduledStep, SgdRule, UpdateRule } from "./types.js";

/** PyTorch's defaults for SGD with the usual momentum of 0.9. */
export const SGD_DEFAULTS: SgdRule = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 };

/** Kingma & Ba's and PyTorch's defaults. */
export const ADAM_DEFAULTS: AdamRule = { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** Adam's, with PyTorch's weight decay of 0.01. */
export const ADAMW_DEFAULTS: AdamRule = { ...ADAM_DEFAULTS, kind: "adamw", weightDecay: 0.01 };

/**
 * State a rule keeps for each parameter, in numbers of its size: SGD 1 (also with momentum 0, which a schedule may
 * raise), Adam and AdamW 2.
 */
export function momentsOf(rule: UpdateRule): number {
  return rule.kind === "sgd" ? 1 : 2;
}

export interface ReferenceStep extends ScheduledStep {
  /** Number of this update, from 1. */
  readonly step: number;
  /** Whether weight decay applies to this parameter. */
  readonly decay: boolean;
}

/**
 * The definition of the rules, in float64 and in place: what the kernels and the in-graph form must equal.
 * Follows torch.optim.SGD, Adam and AdamW.
 * @param parameter changed in place
 * @param gradient d loss / d parameter, same size
 * @param moments `momentsOf(rule)` arrays of the same size, zero at first; changed in place
 */
export function updateReference(
  rule: UpdateRule,
  parameter: Float64Array,
  gradient: Float64Array,
  moments: readonly Float64Array[],
  time: ReferenceStep,
): void {
  const decay = time.decay ? rule.weightDecay : 0;
  const [first, second] = moments as [Float64Array, Float64Array];
  for (let i = 0; i < parameter.length; i++) {
    const p = parameter[i] as number;
    const raw = gradient[i] as number;
    if (rule.kind === "sgd") {
      const momentum = time.momentum ?? rule.momentum;
      const g = raw + decay * p;
      const v = momentum * (first[i] as number) + g;
      first[i] = v;
      parameter[i] = p - time.lr * (rule.nesterov ? g + momentum * v : v);
    } else {
      const beta1 = time.momentum ?? rule.beta1;
      const g = rule.kind === "adam" ? raw + decay * p : raw;
      const m = beta1 * (first[i] as number) + (1 - beta1) * g;
      const v = rule.beta2 * (second[i] as number) + (1 - rule.beta2) * g * g;
      first[i] = m;
      second[i] = v;
      const corrected = m / (1 - beta1 ** time.step);
      const root = Math.sqrt(v / (1 - rule.beta2 ** time.step));
      const kept = rule.kind === "adamw" ? p * (1 - time.lr * decay) : p;
      parameter[i] = kept - (time.lr * corrected) / (root + rule.epsilon);
    }
  }
}
