/**
 * Connectors: what brings a student's feature to the shape of its teacher's, made from the two shapes. Each step is there
 * only where it is needed: sizes by average pooling or bilinear resizing, tokens and pixels away by their mean, channels by
 * a 1x1 convolution (a dense layer where there are no pixels) that is trained with the student.
 */
import { z } from "zod";
import { InputError } from "../../base/errors.js";
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s, sizeOf, tensor } from "../graph/tensor.js";
import { fansOf, layerDistributions } from "../nn/initialisers.js";
import { reshape } from "../ops/support.js";
import { quote } from "../../base/quote.js";
import type { LayerPair } from "./features.js";
import { invalidOption } from "./options.js";
import type { FeatureValues, LossInputs } from "./types.js";

/**
 * The student's feature in its teacher's shape.
 * @param name of the connector's parameters: unique within the loss
 * @throws InputError with both shapes when nothing can bridge them
 */
export function connected(inputs: LossInputs, pair: FeatureValues, name: string): Value {
  const { builder: b } = inputs;
  const wanted = pair.teacher.shape;
  const rank = wanted.length;
  let value = pair.student;
  if (value.shape.length > 2 && rank === 2) value = meanOfPlaces(b, value);
  if (value.shape.length !== rank || rank < 2 || rank > 4) throw unbridgeable(pair);
  if (rank === 3 && value.shape[1] !== wanted[1]) throw unbridgeable(pair);
  const area = (shape: readonly number[]): number => (shape[2] ?? 1) * (shape[3] ?? 1);
  // The fewer pixels the connector sees, the less it costs; resizing and 1x1 convolutions commute.
  const first = rank === 4 && area(wanted) < area(value.shape);
  if (first) value = resized(b, value, wanted.slice(2));
  const axis = rank === 4 ? 1 : rank - 1;
  if (value.shape[axis] !== wanted[axis]) value = channels(inputs, value, wanted[axis] as number, name);
  return rank === 4 ? resized(b, value, wanted.slice(2)) : value;
}

/** A trained linear map of the channels: 1x1 convolution of [batch, channels, h, w], dense layer over the last axis else. */
export function channels(inputs: LossInputs, value: Value, to: number, name: string): Value {
  const { builder: b } = inputs;
  const image = value.shape.length === 4;
  const from = value.shape[image ? 1 : value.shape.length - 1] as number;
  const shape = image ? [to, from, 1, 1] : [to, from];
  const { weight, bias } = layerDistributions("pytorch", fansOf(shape));
  const w = inputs.parameter(`${name}/weight`, shape, weight);
  const c = inputs.parameter(`${name}/bias`, [to], bias);
  if (image) return b.op("Conv", [value, w, c]);
  const rows = reshape(b, value, [sizeOf(value.shape.slice(0, -1)), from]);
  return reshape(b, b.op("Gemm", [rows, w, c], { transB: int(1) }), [...value.shape.slice(0, -1), to]);
}

/**
 * [batch, channels, h, w] in another size: average pooling where it shrinks (each output pixel is the mean of the pixels it
 * covers, as PyTorch's adaptive_avg_pool2d), bilinear where it grows (align_corners false).
 */
export function resized(b: GraphBuilder, value: Value, size: readonly number[]): Value {
  return resampled(b, value, size, resizing);
}

/** [batch, channels, h, w] in another size by copying the nearest pixel, floor(i from / to) as PyTorch's "nearest". */
export function nearest(b: GraphBuilder, value: Value, size: readonly number[]): Value {
  return resampled(b, value, size, (from, to) => {
    const matrix = new Float64Array(to * from);
    for (let i = 0; i < to; i++) matrix[i * from + Math.floor((i * from) / to)] = 1;
    return matrix;
  });
}

/** Both axes by products with constant matrices [to, from], which have gradients everywhere. */
function resampled(
  b: GraphBuilder,
  value: Value,
  [height, width]: readonly number[],
  matrixOf: (from: number, to: number) => Float64Array,
): Value {
  const along = (v: Value, axis: 2 | 3, to: number): Value => {
    const from = v.shape[axis] as number;
    if (from === to) return v;
    const matrix = matrixOf(from, to);
    const at = (i: number): number =>
      axis === 2 ? (matrix[i] as number) : (matrix[(i % to) * from + Math.floor(i / to)] as number);
    const data = Array.from(matrix, (_, i) => at(i));
    const constant = b.constant(tensor(v.dtype, data, axis === 2 ? [to, from] : [from, to]), "resize");
    return axis === 2 ? b.op("MatMul", [constant, v]) : b.op("MatMul", [v, constant]);
  };
  return along(along(value, 3, width as number), 2, height as number);
}

/** [to, from]: row i holds what output i takes of each input. */
function resizing(from: number, to: number): Float64Array {
  const matrix = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    if (to < from) {
      const [first, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
      for (let j = first; j < end; j++) matrix[i * from + j] = 1 / (end - first);
      continue;
    }
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(at), from - 1);
    const high = Math.min(low + 1, from - 1);
    const part = at - low;
    matrix[i * from + low] = (matrix[i * from + low] as number) + 1 - part;
    matrix[i * from + high] = (matrix[i * from + high] as number) + part;
  }
  return matrix;
}

/** Mean over pixels [batch, channels, h, w] or tokens [batch, tokens, width] -> [batch, channels or width]. */
export function meanOfPlaces(b: GraphBuilder, value: Value): Value {
  const axes = value.shape.length === 4 ? [2, 3] : [1];
  return b.op("ReduceMean", [value, b.constant(int64s(axes))], { keepdims: int(0) });
}

/** [batch, ...] -> [batch, n]. */
export function flattened(b: GraphBuilder, value: Value): Value {
  const [batch = 1, ...rest] = value.shape;
  return reshape(b, value, [batch, sizeOf(rest)]);
}

/** The error for two shapes that a loss cannot compare. */
export function unbridgeable(
  { student, teacher, names }: FeatureValues,
  expected = "two shapes that a connector can bridge: both images, both tokens, or both vectors",
  cure = "Choose layers of the same kind",
): InputError {
  return new InputError({
    code: "array-mismatch",
    where: `layers ${quote(names.student)} and ${quote(names.teacher)}`,
    found: `the student's is [${student.shape}] and the teacher's [${teacher.shape}]`,
    expected,
    cure,
  });
}

/** The option of every loss between layers. */
export const layers = z
  .array(
    z.strictObject({
      student: z.string().min(1).describe("Tensor or node of the student; * matches any text"),
      teacher: z.string().min(1).describe("Tensor or node of the teacher; must match as many as the student's"),
    }),
  )
  .min(1)
  .describe("Layers to compare; `limbeck inspect --features` lists a model's layers");

/** The fields every feature loss has. */
export interface Layers {
  readonly layers: readonly LayerPair[];
}

/** @throws InputError when there is no layer to compare */
export function checkLayers({ layers }: Layers, field: string): void {
  if (!Array.isArray(layers) || layers.length === 0)
    throw new InputError({
      code: "option-missing",
      where: `${field}.layers`,
      found: "missing",
      expected: "at least one pair { student, teacher } of tensor or node names",
      cure: "Run limbeck inspect MODEL --features for the names",
    });
  const bad = layers.find((l) => typeof l?.student !== "string" || typeof l?.teacher !== "string");
  if (bad) throw invalidOption(`${field}.layers`, bad, "{ student, teacher }, each a name or pattern");
}

/** Sum of a loss over its pairs. */
export function overLayers(
  inputs: LossInputs,
  { layers }: Layers,
  loss: (pair: FeatureValues, i: number) => Value,
): Value {
  const parts = inputs.features(layers).map(loss);
  return parts.length > 1 ? inputs.builder.op("Sum", parts) : (parts[0] as Value);
}

/** Mean over everything of (a - b)^2. */
export function meanSquare(b: GraphBuilder, a: Value, c: Value): Value {
  return meanOfSquares(b, b.op("Sub", [a, c]));
}

/** Mean over everything of v^2. */
export function meanOfSquares(b: GraphBuilder, v: Value): Value {
  return b.op("ReduceMean", [b.op("Mul", [v, v])], { keepdims: int(0) });
}
