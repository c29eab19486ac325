/**
 * Layers: each appends its nodes to the graph of a `ModelScope` and declares its parameters there, under the scope's
 * current name. Graphs are in inference form (BatchNormalization, Dropout as ONNX has them; the compiler makes their
 * training forms), and no node holds the batch size, so that the first dimension may become free.
 */

import { InputError } from "../../base/errors.js";
import { float, int } from "../graph/attributes.js";
import type { Value } from "../graph/builder.js";
import { scalar } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import { fansOf, layerDistributions } from "./initialisers.js";
import { type Padding, pair, type Size, windowAttributes } from "./padding.js";
import type { ModelScope } from "./scope.js";

/** [batch, features] -> [batch, units]: x W^T + b, W [units, features] as in PyTorch. */
export function dense(scope: ModelScope, x: Value, units: number, options: { readonly bias?: boolean } = {}): Value {
  expectRank(x, 2, "a dense layer", "[batch, features]", "Flatten first");
  const { weight, bias } = weights(scope, [units, x.shape[1] as number], options.bias ?? true);
  return scope.builder.op("Gemm", bias ? [x, weight, bias] : [x, weight], { transB: int(1) });
}

export interface Conv2dOptions {
  readonly kernel?: Size;
  readonly stride?: Size;
  readonly padding?: Padding;
  readonly dilation?: Size;
  readonly groups?: number;
  readonly bias?: boolean;
}

/** [batch, channels, height, width] -> [batch, filters, ...]: weight [filters, channels / groups, kernel, kernel]. */
export function conv2d(scope: ModelScope, x: Value, filters: number, options: Conv2dOptions = {}): Value {
  expectRank(x, 4, "a convolution", ...IMAGES);
  const { kernel = 3, stride = 1, padding = "same", dilation = 1, groups = 1, bias = true } = options;
  const channels = x.shape[1] as number;
  if (channels % groups !== 0 || filters % groups !== 0) {
    throw new InputError({
      code: "option-invalid",
      where: `layer at "${x.name}"`,
      found: `${groups} groups do not divide both ${channels} input channels and ${filters} filters`,
      cure: "Choose groups that divide both",
    });
  }
  const own = weights(scope, [filters, channels / groups, ...pair(kernel)], bias);
  const attributes = {
    ...windowAttributes(x.shape.slice(2), { kernel, stride, padding, dilation }),
    group: int(groups),
  };
  return scope.builder.op("Conv", own.bias ? [x, own.weight, own.bias] : [x, own.weight], attributes);
}

export interface BatchNormOptions {
  /** Share of the running statistics kept at each step (ONNX's sense; PyTorch's momentum is 1 minus it). Default 0.9. */
  readonly momentum?: number;
  /** Default 1e-5, PyTorch's; Keras's is 1e-3. */
  readonly epsilon?: number;
}

/** Batch normalisation over [batch, channels, ...]. Ioffe and Szegedy, ICML 2015. */
export function batchNorm(scope: ModelScope, x: Value, options: BatchNormOptions = {}): Value {
  const channels = [x.shape[1] as number];
  const inputs = [
    x,
    scope.parameter("scale", channels, { kind: "constant", value: 1 }, "norm"),
    scope.parameter("bias", channels, { kind: "constant", value: 0 }, "norm"),
    scope.buffer("mean", channels, 0),
    scope.buffer("variance", channels, 1),
  ];
  const { momentum = 0.9, epsilon = 1e-5 } = options;
  return scope.builder.op("BatchNormalization", inputs, { epsilon: float(epsilon), momentum: float(momentum) });
}

/** Layer normalisation over everything but the batch, one scale and bias an element. Ba et al. 2016, arXiv:1607.06450. */
export function layerNorm(scope: ModelScope, x: Value, options: { readonly epsilon?: number } = {}): Value {
  const shape = x.shape.slice(1);
  const scale = scope.parameter("scale", shape, { kind: "constant", value: 1 }, "norm");
  const bias = scope.parameter("bias", shape, { kind: "constant", value: 0 }, "norm");
  const attributes = { axis: int(1), epsilon: float(options.epsilon ?? 1e-5) };
  return scope.builder.op("LayerNormalization", [x, scale, bias], attributes);
}

export interface PoolOptions {
  /** Default: the window itself. */
  readonly stride?: Size;
  /** Default "valid". */
  readonly padding?: Padding;
}

/** Padding never wins a maximum. */
export function maxPool(scope: ModelScope, x: Value, window: Size, options: PoolOptions = {}): Value {
  return scope.builder.op("MaxPool", [x], poolAttributes(x, window, options));
}

/** "same" padding is left out of the mean, as in Keras; numeric padding counts as zeros, as in PyTorch. */
export function averagePool(scope: ModelScope, x: Value, window: Size, options: PoolOptions = {}): Value {
  const counted = typeof options.padding === "number" ? 1 : 0;
  return scope.builder.op("AveragePool", [x], {
    ...poolAttributes(x, window, options),
    count_include_pad: int(counted),
  });
}

/** [batch, channels, height, width] -> [batch, channels]: the mean over positions. */
export function globalAveragePool(scope: ModelScope, x: Value): Value {
  expectRank(x, 4, "global pooling", ...IMAGES);
  return flatten(scope, scope.builder.op("GlobalAveragePool", [x]));
}

/** Drops each value with probability `rate` in training; nothing happens in inference. */
export function dropout(scope: ModelScope, x: Value, rate: number): Value {
  checkRate("dropout", rate);
  if (rate === 0) return x;
  return scope.builder.op("Dropout", [x, scope.builder.constant(scalar(rate), "dropout_rate")]);
}

/**
 * Drops all values of a sample together with probability `rate` in training; nothing happens in inference. Around what a
 * residual block adds this is stochastic depth. Huang et al., ECCV 2016 (arXiv:1603.09382).
 * @param rows of the first dimension that belong to one sample
 */
export function dropPath(scope: ModelScope, x: Value, rate: number, rows = 1): Value {
  checkRate("drop_path", rate);
  if (rate === 0) return x;
  return scope.builder.op("DropPath", [x], { rate: float(rate), rows: int(rows) }, { domain: ABSTRACT_DOMAIN });
}

/** The rate of block `index` (from 0) of so many: linear in depth up to the highest, which is the last block's. Equation 4 of the paper. */
export function dropPathRate(highest: number, index: number, blocks: number): number {
  return (highest * (index + 1)) / blocks;
}

/** [batch, ...] -> [batch, features]; nothing for what is flat already. */
export function flatten(scope: ModelScope, x: Value): Value {
  return x.shape.length === 2 ? x : scope.builder.op("Flatten", [x], { axis: int(1) });
}

function weights(scope: ModelScope, shape: readonly number[], withBias: boolean): { weight: Value; bias?: Value } {
  const from = layerDistributions(scope.initialiser, fansOf(shape));
  const weight = scope.parameter("weight", shape, from.weight);
  return withBias ? { weight, bias: scope.parameter("bias", [shape[0] as number], from.bias, "bias") } : { weight };
}

function poolAttributes(x: Value, window: Size, { stride = window, padding = "valid" }: PoolOptions) {
  expectRank(x, 4, "pooling", ...IMAGES);
  return windowAttributes(x.shape.slice(2), { kernel: window, stride, padding });
}

function checkRate(where: string, rate: number): void {
  if (!(rate >= 0 && rate < 1))
    throw new InputError({
      code: "option-invalid",
      where,
      found: `found a rate of ${rate}`,
      expected: "a number from 0 to below 1",
    });
}

const IMAGES = [
  "images [batch, channels, height, width]",
  "Put it before the layers that flatten, or use dense layers",
] as const;

function expectRank(x: Value, rank: number, layer: string, expected: string, cure: string): void {
  if (x.shape.length !== rank)
    throw new InputError({
      code: "option-invalid",
      where: `layer at "${x.name}"`,
      found: `${layer} is given [${["batch", ...x.shape.slice(1)].join(", ")}]`,
      expected,
      cure,
    });
}
