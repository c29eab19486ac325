/** Networks as a list of layers. */
import { z } from "zod";
import { count, type Given, rate } from "../../base/schema-fields.js";
import { InputError } from "../../base/errors.js";
import type { Value } from "../graph/builder.js";
import { type ActivationName, activate } from "../nn/activations.js";
import {
  averagePool,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePool,
  layerNorm,
  maxPool,
} from "../nn/layers.js";
import { pair, type Size } from "../nn/padding.js";
import type { ModelScope } from "../nn/scope.js";
import { quote } from "../../base/quote.js";
import { builtModelEntry } from "./entry.js";
import { activation, initialiser, leakySlope } from "./fields.js";

const padding = z.union([z.enum(["same", "valid"]), z.number().int().min(0)]);

const layer = z.union([
  z.strictObject({
    conv: count.describe("Filters"),
    kernel: z.union([count, z.tuple([count, count])]).default(3),
    stride: count.default(1),
    padding: padding
      .default("same")
      .describe('"same" as in Keras (asymmetric at even strides), "valid", or pixels on each side as in PyTorch'),
    dilation: count.default(1),
    groups: count.default(1),
    bias: z.boolean().default(true),
    batchNorm: z.boolean().default(false),
    activation: activation.default("none"),
  }),
  z.strictObject({
    maxPool: count.describe("Window"),
    stride: count.optional().describe("Default: the window"),
    padding: padding.default("valid"),
  }),
  z.strictObject({
    averagePool: count.describe("Window"),
    stride: count.optional().describe("Default: the window"),
    padding: padding.default("valid"),
  }),
  z.strictObject({ globalPool: z.literal("average") }),
  z.strictObject({ flatten: z.literal(true) }),
  z.strictObject({
    dense: count.describe("Units"),
    bias: z.boolean().default(true),
    batchNorm: z.boolean().default(false),
    activation: activation.default("none"),
  }),
  z.strictObject({ dropout: rate }),
  z.strictObject({ batchNorm: z.literal(true) }),
  z.strictObject({ layerNorm: z.literal(true) }),
  z.strictObject({ activation }),
]);

const schema = z.strictObject({
  kind: z.literal("cnn").describe("A list of layers; the dense output layer is added automatically"),
  layers: z.array(layer).min(1),
  leakySlope,
  initialiser,
});

type Sized = "kernel" | "maxPool" | "averagePool" | "stride" | "dilation";
/** Windows, strides and dilations may differ between height and width: code can say so, a recipe cannot. */
type InPairs<L> = L extends unknown
  ? { readonly [K in keyof L]: K extends Sized ? Size | Extract<L[K], undefined> : L[K] }
  : never;

/**
 * One layer of a `cnn`: exactly one of the naming keys. Without `bias`, a layer in front of a batch norm, which has its own,
 * has none.
 */
export type LayerSpec = InPairs<Given<z.input<typeof layer>>>;
type ConvLayer = Extract<LayerSpec, { readonly conv: unknown }>;
type DenseLayer = Extract<LayerSpec, { readonly dense: unknown }>;

/** Layers, and the negative slope of every leaky-relu in them. */
export interface LayerList {
  readonly layers: readonly LayerSpec[];
  readonly leakySlope?: number | undefined;
}

export const cnnModel = builtModelEntry({
  kind: "cnn",
  schema,
  build: cnn,
  describe: (settings, _, classes) => describeCnn(settings, classes),
  shortName: ({ layers }) =>
    `cnn-${layers.flatMap((l) => ("conv" in l ? [l.conv] : "dense" in l ? [l.dense] : [])).join("-")}`,
  widened: (settings, factor) => {
    const times = (n: number): number => Math.max(1, Math.round(n * factor));
    if (settings.layers.some((l) => "conv" in l && l.groups > 1))
      return "a grouped convolution has no width of its own";
    return {
      ...settings,
      layers: settings.layers.map((l) => {
        if ("dense" in l) return { ...l, dense: times(l.dense) };
        return "conv" in l ? { ...l, conv: times(l.conv) } : l;
      }),
    };
  },
  withoutNoise: (settings) => {
    const layers = settings.layers.filter((l) => !("dropout" in l));
    return layers.length < settings.layers.length ? { ...settings, layers } : undefined;
  },
});

/** The layers in order, then flatten and dense to the classes. Parameters are named by kind and number: "conv2/weight". */
export function cnn(scope: ModelScope, input: Value, classes: number, spec: LayerList): Value {
  let x = input;
  for (const layer of spec.layers) x = append(scope, x, layer, spec.leakySlope);
  const flat = flatten(scope, x);
  return scope.within("classifier", () => dense(scope, flat, classes));
}

function append(scope: ModelScope, x: Value, layer: LayerSpec, leakySlope: number | undefined): Value {
  const within = (kind: string, build: () => Value): Value => scope.layer(kind, build);
  const act = (value: Value, name: ActivationName = "none"): Value => activate(scope.builder, value, name, leakySlope);
  if ("conv" in layer) return within("conv", () => act(convolution(scope, x, layer), layer.activation));
  if ("dense" in layer) return within("dense", () => act(denseLayer(scope, x, layer), layer.activation));
  if ("maxPool" in layer) return within("pool", () => maxPool(scope, x, layer.maxPool, layer));
  if ("averagePool" in layer) return within("pool", () => averagePool(scope, x, layer.averagePool, layer));
  if ("globalPool" in layer) return within("pool", () => globalAveragePool(scope, x));
  if ("flatten" in layer) return flatten(scope, x);
  if ("dropout" in layer) return within("dropout", () => dropout(scope, x, layer.dropout));
  if ("batchNorm" in layer) return within("norm", () => batchNorm(scope, x));
  if ("layerNorm" in layer) return within("norm", () => layerNorm(scope, x));
  if ("activation" in layer) return within("activation", () => act(x, layer.activation));
  throw new InputError({
    code: "option-invalid",
    where: "model.layers",
    found: `found ${quote(layer)}`,
    expected:
      "a layer: conv, max_pool, average_pool, global_pool, flatten, dense, dropout, batch_norm, layer_norm or activation",
  });
}

function convolution(scope: ModelScope, x: Value, layer: ConvLayer): Value {
  const y = conv2d(scope, x, layer.conv, { ...layer, bias: layer.bias ?? !layer.batchNorm });
  return layer.batchNorm ? scope.within("norm", () => batchNorm(scope, y)) : y;
}

function denseLayer(scope: ModelScope, x: Value, layer: DenseLayer): Value {
  const y = dense(scope, flatten(scope, x), layer.dense, { bias: layer.bias ?? !layer.batchNorm });
  return layer.batchNorm ? scope.within("norm", () => batchNorm(scope, y)) : y;
}

/** "cnn conv 16 3x3/2 - pool 2x2/1 - dense 10". */
export function describeCnn(spec: LayerList, classes: number): string {
  const layers = spec.layers.map(describeLayer).filter((text) => text !== "");
  return `cnn ${[...layers, `dense ${classes}`].join(" - ")}`;
}

function describeLayer(layer: LayerSpec): string {
  const extras = (l: ConvLayer | DenseLayer): string =>
    `${l.batchNorm ? " bn" : ""}${l.activation && l.activation !== "none" ? ` ${l.activation}` : ""}`;
  if ("conv" in layer) return `conv ${layer.conv} ${windowText(layer.kernel ?? 3, layer.stride ?? 1)}${extras(layer)}`;
  if ("dense" in layer) return `dense ${layer.dense}${extras(layer)}`;
  if ("maxPool" in layer) return `max pool ${windowText(layer.maxPool, layer.stride ?? layer.maxPool)}`;
  if ("averagePool" in layer) return `average pool ${windowText(layer.averagePool, layer.stride ?? layer.averagePool)}`;
  if ("globalPool" in layer) return "global pool";
  if ("dropout" in layer) return `dropout ${layer.dropout}`;
  if ("batchNorm" in layer) return "batch norm";
  if ("layerNorm" in layer) return "layer norm";
  return "activation" in layer ? layer.activation : "";
}

function windowText(kernel: Size, stride: Size): string {
  const [height, width] = pair(kernel);
  const [down, right] = pair(stride);
  return `${height}x${width}${down === 1 && right === 1 ? "" : `/${down === right ? down : `${down}x${right}`}`}`;
}
