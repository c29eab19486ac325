/** Settings of small trainings. */
import type { TrainingSettings } from "../../src/learn/train/types.js";

/** SGD without extras, on the CPU with one thread, keeping the last weights. */
export function trainingSettings(more: Partial<TrainingSettings>): TrainingSettings {
  return {
    batch: 16,
    steps: 60,
    rule: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    schedule: { kind: "constant", lr: 0.01, warmup: 0 },
    clipNorm: 0,
    accumulate: 1,
    seed: 1,
    augmentation: null,
    select: "last",
    patience: null,
    validateEvery: 20,
    diagnoseEvery: 0,
    threads: 1,
    device: "cpu",
    ...more,
  };
}
