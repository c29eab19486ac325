/** What is measured: networks, batch, optimiser and objective of every workload, as plain data. */
import type { ModelSpec } from "../src/engine/models/registry.js";
import type { ObjectiveConfig } from "../src/engine/objective/objective.js";
import { ADAM_DEFAULTS, ADAMW_DEFAULTS, SGD_DEFAULTS } from "../src/engine/optim/rules.js";
import type { UpdateRule } from "../src/engine/optim/types.js";

/** A training step that every system repeats. */
export interface StepWorkload {
  readonly name: string;
  /** One line for people: "784-800-800-10, batch 128, Adam". */
  readonly title: string;
  readonly model: ModelSpec;
  /** Shape of one sample, channels first. */
  readonly inputShape: readonly number[];
  /** What samples are: standard normal numbers, or whole numbers from 0 to `vocabulary` - 1. */
  readonly samples: { readonly kind: "normal" } | { readonly kind: "tokens"; readonly vocabulary: number };
  readonly classes: number;
  readonly batch: number;
  readonly rule: UpdateRule;
  readonly lr: number;
  readonly objective: ObjectiveConfig;
}

/** Cached teacher logits, T 4, alpha 0.9: what every workload minimises unless it says otherwise. */
const KD: ObjectiveConfig = {
  alpha: 0.9,
  studentLoss: { kind: "cross-entropy" },
  distillationLoss: { kind: "kd", temperature: 4 },
};

const LABELS_ONLY: ObjectiveConfig = { studentLoss: { kind: "cross-entropy" } };

const adam = { rule: ADAM_DEFAULTS, lr: 1e-3 } as const;
const adamw = { rule: ADAMW_DEFAULTS, lr: 1e-3 } as const;
const sgd = { rule: SGD_DEFAULTS, lr: 0.05 } as const;

const image = { inputShape: [3, 32, 32], samples: { kind: "normal" }, classes: 100, objective: KD } as const;
const digit = { inputShape: [1, 28, 28], samples: { kind: "normal" }, classes: 10, objective: KD } as const;
const row = { samples: { kind: "normal" }, objective: KD } as const;

/** Every step workload, in the order of the table. */
export const STEP_WORKLOADS: readonly StepWorkload[] = [
  {
    ...row,
    name: "mlp-small",
    title: "784-30-30-10, batch 128, Adam",
    model: { kind: "mlp", hidden: [30, 30] },
    inputShape: [784],
    classes: 10,
    batch: 128,
    ...adam,
  },
  {
    ...row,
    name: "mlp-large",
    title: "784-800-800-10, batch 128, Adam",
    model: { kind: "mlp", hidden: [800, 800] },
    inputShape: [784],
    classes: 10,
    batch: 128,
    ...adam,
  },
  {
    ...row,
    name: "mlp-large-sgd",
    title: "784-800-800-10, batch 128, SGD momentum",
    model: { kind: "mlp", hidden: [800, 800] },
    inputShape: [784],
    classes: 10,
    batch: 128,
    ...sgd,
  },
  {
    ...row,
    name: "tabular",
    title: "64-256-256-26, batch 512, AdamW",
    model: { kind: "mlp", hidden: [256, 256] },
    inputShape: [64],
    classes: 26,
    batch: 512,
    ...adamw,
  },
  {
    ...digit,
    name: "keras-student",
    title: "Keras tutorial student (16/32), batch 64, Adam",
    model: { kind: "preset", name: "keras-student" },
    batch: 64,
    ...adam,
  },
  {
    ...digit,
    name: "keras-teacher",
    title: "Keras tutorial teacher (256/512), batch 64, Adam, cross-entropy",
    model: { kind: "preset", name: "keras-teacher" },
    batch: 64,
    ...adam,
    objective: LABELS_ONLY,
  },
  {
    ...image,
    name: "resnet20",
    title: "CIFAR ResNet-20, batch 128, SGD momentum",
    model: { kind: "resnet", depth: 20 },
    batch: 128,
    ...sgd,
  },
  {
    ...image,
    name: "resnet8x4",
    title: "CIFAR ResNet-8 width 4, batch 64, SGD momentum",
    model: { kind: "resnet", depth: 8, width: 4 },
    batch: 64,
    ...sgd,
  },
  {
    ...image,
    name: "mobilenet",
    title: "MobileNetV2 width 0.5, batch 128, SGD momentum",
    model: { kind: "mobilenet", width: 0.5 },
    batch: 128,
    ...sgd,
    // With a larger one rounding alone drives the losses of two systems apart within five steps.
    lr: 0.005,
  },
  {
    ...image,
    name: "vit-tiny",
    title: "ViT, 4 layers of 192, patch 4, batch 64, AdamW",
    model: { kind: "vit", patch: 4, dim: 192, depth: 4, heads: 3 },
    batch: 64,
    ...adamw,
  },
  {
    name: "text-encoder",
    title: "text encoder, 2 layers of 128, sequence 64, vocabulary 8,000, batch 32, AdamW",
    model: { kind: "text-encoder", vocabulary: 8000, dim: 128, depth: 2, heads: 4 },
    inputShape: [64],
    samples: { kind: "tokens", vocabulary: 8000 },
    classes: 10,
    objective: KD,
    batch: 32,
    ...adamw,
  },
];

/** Seed of every weight, sample, label and shuffle. */
export const SEED = 7;
/** The data set of a step workload: so many batches, gone through again and again. */
export const BATCHES = 16;
/** Steps whose losses the systems must agree on. */
export const COMPARED_STEPS = 5;
