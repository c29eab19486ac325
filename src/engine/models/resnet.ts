/** ResNets for small images. He et al., CVPR 2016, section 4.2, in the form the distillation literature uses. */
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
  kind: z.literal("resnet").describe("CIFAR ResNet (He et al. 2016)"),
  depth: z.union([z.literal(8), z.literal(14), z.literal(20), z.literal(32), z.literal(56)]),
  width: z.number().positive().default(1).describe("Multiplies the channels 16, 32, 64"),
  dropout: rate.default(0).describe("Before the classifier"),
  dropPath,
  initialiser,
});
type ResNetSettings = z.output<typeof schema>;

const nameOf = ({ depth, width }: ResNetSettings): string => `resnet${depth}${times(width)}`;

export const resnetModel = builtModelEntry({
  kind: "resnet",
  schema,
  build: resnet,
  graphName: nameOf,
  shortName: nameOf,
  widened: (settings, factor) => ({ ...settings, width: settings.width * factor }),
});

/**
 * Stem 3x3, three stages of (depth - 2) / 6 basic blocks at full, half and quarter size, global pooling, dense.
 *
 * Follows RepDistiller (Tian et al., ICLR 2020, arXiv:1910.10699), whose numbers most distillation papers quote, not
 * the original in two points: where the size or the channels change, the shortcut is a 1x1 convolution with batch norm
 * (He's option B; his own CIFAR networks use option A, without parameters), and widened networks have a stem of
 * 32 channels: resnet8x4 (depth 8, width 4) is 32-64-128-256 with 1,233,540 parameters for 100 classes.
 */
function resnet(scope: ModelScope, input: Value, classes: number, spec: ResNetSettings): Value {
  if (input.shape.length !== 4)
    throw samplesMisfit(input.shape, "images [channels, height, width] for resnet", "Use mlp");
  const { stem, stages } = resnetChannels(spec.width);
  const blocks = blocksPerStage(spec.depth);
  let x = scope.within("stem", () => relu(scope, convNorm(scope, input, stem, 3, 1)));
  stages.forEach((channels, s) => {
    for (let block = 0; block < blocks; block++) {
      const stride = s > 0 && block === 0 ? 2 : 1;
      const rate = dropPathRate(spec.dropPath, s * blocks + block, stages.length * blocks);
      x = scope.within(`stage${s + 1}/block${block + 1}`, () => basicBlock(scope, x, channels, stride, rate));
    }
  });
  const pooled = scope.within("pool", () => globalAveragePool(scope, x));
  const features = dropout(scope, pooled, spec.dropout);
  return scope.within("classifier", () => dense(scope, features, classes));
}

/** Channels of the stem and of the three stages. */
export function resnetChannels(width: number): { readonly stem: number; readonly stages: readonly number[] } {
  const scaled = (channels: number): number => Math.round(channels * width);
  if (!(width > 0) || scaled(16) < 1) throw modelOption("width", width, "a number of at least 1/16");
  return { stem: Math.min(scaled(16), 32), stages: [16, 32, 64].map(scaled) };
}

function blocksPerStage(depth: number): number {
  const blocks = (depth - 2) / 6;
  if (!Number.isInteger(blocks) || blocks < 1) throw modelOption("depth", depth, "6n + 2: 8, 14, 20, 32 or 56");
  return blocks;
}

/** relu(dropPath(norm(conv(relu(norm(conv(x)))))) + shortcut(x)). */
function basicBlock(scope: ModelScope, x: Value, channels: number, stride: number, rate: number): Value {
  const first = scope.within("conv1", () => relu(scope, convNorm(scope, x, channels, 3, stride)));
  const second = scope.within("conv2", () => convNorm(scope, first, channels, 3, 1));
  const same = stride === 1 && x.shape[1] === channels;
  const shortcut = same ? x : scope.within("shortcut", () => convNorm(scope, x, channels, 1, stride));
  return relu(scope, scope.builder.op("Add", [dropPathOf(scope, second, rate), shortcut]));
}

/** Padding as in PyTorch: the same number of pixels on each side. */
function convNorm(scope: ModelScope, x: Value, channels: number, kernel: 1 | 3, stride: number): Value {
  const y = conv2d(scope, x, channels, { kernel, stride, padding: (kernel - 1) / 2, bias: false });
  return scope.within("norm", () => batchNorm(scope, y));
}

const relu = (scope: ModelScope, x: Value): Value => activate(scope.builder, x, "relu");
