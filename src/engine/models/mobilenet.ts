/** MobileNetV2. Sandler et al., CVPR 2018 (arXiv:1801.04381). */
import { z } from "zod";
import { rate } from "../../base/schema-fields.js";
import type { Value } from "../graph/builder.js";
import { activate } from "../nn/activations.js";
import {
  batchNorm,
  conv2d,
  dense,
  dropout,
  dropPath as dropPathOf,
  dropPathRate,
  globalAveragePool,
} from "../nn/layers.js";
import type { ModelScope } from "../nn/scope.js";
import { builtModelEntry } from "./entry.js";
import { dropPath, initialiser, times } from "./fields.js";
import { modelOption, samplesMisfit } from "./misfit.js";

const schema = z.strictObject({
  kind: z.literal("mobilenet").describe("MobileNetV2 (Sandler et al. 2018), also for small images"),
  width: z.number().positive().default(1).describe("Multiplies the channels, which are rounded to multiples of 8"),
  shrink: z
    .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8), z.literal(16), z.literal(32)])
    .optional()
    .describe(
      "Ratio of the image's side to that of the last maps; the first strides become 1 to reach it. Default: the last maps have 4 pixels per side (8 for 32x32); the paper's 32 from 128x128",
    ),
  dropout: rate.default(0).describe("Before the classifier"),
  dropPath,
  initialiser,
});
type MobileNetSettings = z.output<typeof schema>;

export const mobilenetModel = builtModelEntry({
  kind: "mobilenet",
  schema,
  build: mobilenet,
  graphName: ({ width }) => `mobilenetv2${times(width)}`,
  shortName: ({ width }) => `mobilenet${times(width)}`,
  widened: (settings, factor) => ({ ...settings, width: settings.width * factor }),
});

/** Table 2 of the paper: expansion, channels, blocks and stride of each stage; the stem's stride 2 comes before them. */
const STAGES = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 },
] as const;
const MOST_SHRINK = 32;
/** Side of the last maps that small images keep. */
const LEAST_SIDE = 4;

/**
 * Stem 3x3, seven stages of inverted residuals, 1x1 to the features, global pooling, dense.
 *
 * Channels are rounded as in the authors' code; the features are widened with `width` only beyond 1. Small images do not
 * bear the paper's five strides of 2: the first ones become 1, for 32x32 those of the stem and of the second stage, as
 * usual on CIFAR. Without that, and with 224x224, it is torchvision's mobilenet_v2 parameter by parameter.
 */
function mobilenet(scope: ModelScope, input: Value, classes: number, spec: MobileNetSettings): Value {
  if (input.shape.length !== 4)
    throw samplesMisfit(input.shape, "images [channels, height, width] for mobilenet", "Use mlp");
  const { width, dropout: afterPool } = spec;
  if (!(width > 0)) throw modelOption("width", width, "a number above 0");
  const strides = mobilenetStrides(spec.shrink ?? shrinkFor(input.shape));
  const stem = roundChannels(32 * width);
  let x = scope.within("stem", () => convNorm(scope, input, stem, { kernel: 3, stride: strides[0], activated: true }));
  const blocks = blocksOf(stem, width, strides);
  const residual = blocks.filter((b) => b.residual);
  for (const block of blocks) {
    // Only blocks with a shortcut can be dropped: the others would leave nothing.
    const path = block.residual ? dropPathRate(spec.dropPath, residual.indexOf(block), residual.length) : 0;
    x = scope.within(block.name, () => invertedResidual(scope, x, block, path));
  }
  const last = roundChannels(1280 * Math.max(1, width));
  x = scope.within("features", () => convNorm(scope, x, last, { kernel: 1, activated: true }));
  const features = dropout(
    scope,
    scope.within("pool", () => globalAveragePool(scope, x)),
    afterPool,
  );
  return scope.within("classifier", () => dense(scope, features, classes));
}

/** Strides of the stem and of the seven stages for a shrinking by 1, 2, 4 ... 32: the first strides become 1. */
export function mobilenetStrides(shrink: number): number[] {
  let surplus = Math.log2(MOST_SHRINK / shrink);
  return [2, ...STAGES.map((s) => s.stride)].map((stride) => (stride === 2 && surplus-- > 0 ? 1 : stride));
}

/** The largest power of two, up to 32, that leaves 4 pixels on the shorter side. */
function shrinkFor(shape: readonly number[]): number {
  const side = Math.min(shape[2] as number, shape[3] as number);
  let shrink = 1;
  while (shrink < MOST_SHRINK && side / (2 * shrink) >= LEAST_SIDE) shrink *= 2;
  return shrink;
}

/** The nearest multiple of 8, but at least 8 and no less than 90 % (_make_divisible in the authors' code). */
export function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

interface Block {
  readonly name: string;
  readonly channels: number;
  readonly expansion: number;
  readonly stride: number;
  /** Whether it is added to its input: where size and channels stay. */
  readonly residual: boolean;
}

function blocksOf(stem: number, width: number, strides: readonly number[]): Block[] {
  let before = stem;
  return STAGES.flatMap(({ expansion, blocks, ...stage }, s) =>
    Array.from({ length: blocks }, (_, i): Block => {
      const channels = roundChannels(stage.channels * width);
      const stride = i === 0 ? (strides[s + 1] as number) : 1;
      const residual = stride === 1 && channels === before;
      before = channels;
      return { name: `stage${s + 1}/block${i + 1}`, channels, expansion, stride, residual };
    }),
  );
}

/** 1x1 up, depthwise 3x3, linear 1x1 down. Figure 4(d) of the paper. @param path rate of stochastic depth */
function invertedResidual(scope: ModelScope, x: Value, block: Block, path: number): Value {
  const { channels, expansion, stride, residual } = block;
  const wide = (x.shape[1] as number) * expansion;
  const expanded =
    expansion === 1 ? x : scope.within("expand", () => convNorm(scope, x, wide, { kernel: 1, activated: true }));
  const filtered = scope.within("depthwise", () =>
    convNorm(scope, expanded, wide, { kernel: 3, stride, groups: wide, activated: true }),
  );
  const projected = scope.within("project", () => convNorm(scope, filtered, channels, { kernel: 1, activated: false }));
  return residual ? scope.builder.op("Add", [x, dropPathOf(scope, projected, path)]) : projected;
}

interface ConvNormOptions {
  readonly kernel: 1 | 3;
  readonly stride?: number;
  readonly groups?: number;
  /** Followed by ReLU6; a bottleneck's end is linear. */
  readonly activated: boolean;
}

/** Padding as in PyTorch: the same number of pixels on each side. */
function convNorm(scope: ModelScope, x: Value, channels: number, options: ConvNormOptions): Value {
  const { kernel, stride = 1, groups = 1, activated } = options;
  const y = conv2d(scope, x, channels, { kernel, stride, groups, padding: (kernel - 1) / 2, bias: false });
  const normed = scope.within("norm", () => batchNorm(scope, y));
  return activated ? activate(scope.builder, normed, "relu6") : normed;
}
