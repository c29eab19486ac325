/** Networks as a list of layers. */

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
import type { CnnSpec, ConvLayer, DenseLayer, LayerSpec } from "./spec.js";

/** The layers in order, then flatten and dense to the classes. Parameters are named by kind and number: "conv2/weight". */
export function cnn(scope: ModelScope, input: Value, classes: number, spec: CnnSpec): Value {
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
export function describeCnn(spec: CnnSpec, classes: number): string {
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
