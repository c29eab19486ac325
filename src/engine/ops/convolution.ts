/** Conv and ConvTranspose: shapes and gradients. How the gradients run on a device: convolution-gradient.ts. */
import { ints, readInt, readInts, readText } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN, type Attributes } from "../graph/types.js";
import { channelSum } from "./channel.js";
import { convolutionGradientOps } from "./convolution-gradient.js";
import type { GradientRule, OpDefinition } from "./definition.js";
import { misfit, required, typeOf } from "./support.js";
import { convolutionAttributes, ones, spatialOf, type Window, windowOf } from "./window.js";

/** X [N,C,...], W [K,C/group,...kernel], bias [K] -> Y [N,K,...]. */
export function inferConv(call: OpCall): StaticType[] {
  const w = convWindow(call);
  const [x, weight] = [required(call, 0), required(call, 1)];
  return [typeOf(x.dtype, [x.shape[0] as number, weight.shape[0] as number, ...w.output])];
}

/** The window of a Conv. */
export function convWindow(call: OpCall): Window {
  const [x, weight, bias] = [required(call, 0), required(call, 1), call.inputs[2]];
  const group = readInt(call.attributes, "group", 1);
  const kernel = checkWeight(call, x, weight);
  const [channels, filters] = [x.shape[1] as number, weight.shape[0] as number];
  if (group < 1 || channels !== (weight.shape[1] as number) * group)
    throw misfit(
      call,
      "the weight does not fit the input",
      `a weight for ${channels} input channels in groups of ${group}`,
    );
  if (filters % group !== 0) throw misfit(call, `${filters} filters do not divide into ${group} groups`);
  checkBias(call, bias, filters);
  return windowOf(call, spatialOf(x.shape), kernel);
}

/** Checks ranks, types and kernel_shape of X and W; returns the kernel. */
function checkWeight(call: OpCall, x: Value, weight: Value): readonly number[] {
  if (x.shape.length < 3) throw misfit(call, `X has ${x.shape.length} dimensions`, "[batch, channels, ...spatial]");
  if (weight.shape.length !== x.shape.length) throw misfit(call, "X and W differ in their number of dimensions");
  if (x.dtype !== weight.dtype) throw misfit(call, "X and W differ in their element type");
  const kernel = spatialOf(weight.shape);
  const declared = readInts(call.attributes, "kernel_shape") ?? kernel;
  if (declared.length !== kernel.length || declared.some((k, i) => k !== kernel[i]))
    throw misfit(call, `kernel_shape is [${declared}]`, `[${kernel}], as in the weight`);
  return kernel;
}

function checkBias(call: OpCall, bias: Value | undefined, filters: number): void {
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== filters))
    throw misfit(call, "the bias does not fit the filters", `a bias of [${filters}]`);
}

const convGradient: GradientRule = ({ builder: b, call, inputs, gradients, wants }) => {
  const [x, weight] = [inputs[0] as Value, inputs[1] as Value];
  const dy = gradients[0] as Value;
  const attributes = convolutionAttributes(convWindow(call), readInt(call.attributes, "group", 1));
  return [
    wants(0) ? inputGradient(b, dy, weight, attributes, x.shape) : undefined,
    wants(1) ? weightGradient(b, x, dy, attributes) : undefined,
    wants(2) ? channelSum(b, dy) : undefined,
  ];
};

function inputGradient(b: GraphBuilder, dy: Value, w: Value, attributes: Attributes, shape: readonly number[]): Value {
  const all = { ...attributes, input_shape: ints(shape) };
  return b.op("ConvInputGradient", [dy, w], all, { domain: ABSTRACT_DOMAIN });
}

function weightGradient(b: GraphBuilder, x: Value, dy: Value, attributes: Attributes): Value {
  return b.op("ConvWeightGradient", [x, dy], attributes, { domain: ABSTRACT_DOMAIN });
}

/** X [N,C,...], W [C,K/group,...kernel], bias [K] -> Y [N,K,...]: the adjoint of Conv. */
function inferConvTranspose(call: OpCall): StaticType[] {
  const w = transposedWindow(call);
  const [x, weight] = [required(call, 0), required(call, 1)];
  const filters = (weight.shape[1] as number) * readInt(call.attributes, "group", 1);
  return [typeOf(x.dtype, [x.shape[0] as number, filters, ...w.input])];
}

/** The window of the Conv that this call is the adjoint of: `input` is Y's size, `output` is X's. */
function transposedWindow(call: OpCall): Window {
  const [x, weight, bias] = [required(call, 0), required(call, 1), call.inputs[2]];
  const a = call.attributes;
  const group = readInt(a, "group", 1);
  const kernel = checkWeight(call, x, weight);
  if (x.shape[1] !== weight.shape[0] || (x.shape[1] as number) % group !== 0)
    throw misfit(
      call,
      "the weight does not fit the input",
      `a weight that begins with ${x.shape[1]} channels, a multiple of the group ${group}`,
    );
  checkBias(call, bias, (weight.shape[1] as number) * group);
  const rank = kernel.length;
  const output = spatialOf(x.shape);
  const strides = readInts(a, "strides") ?? ones(rank);
  const dilations = readInts(a, "dilations") ?? ones(rank);
  const extra = readInts(a, "output_padding") ?? Array<number>(rank).fill(0);
  const full = output.map(
    (size, i) =>
      (strides[i] as number) * (size - 1) +
      (extra[i] as number) +
      (dilations[i] as number) * ((kernel[i] as number) - 1) +
      1,
  );
  const [begin, end] = transposedPads(call, full, output, strides);
  const input = full.map((size, i) => size - (begin[i] as number) - (end[i] as number));
  if (input.some((size) => size < 1)) throw misfit(call, `the output would be [${input}]`);
  return { input, kernel, strides, dilations, begin, end, output };
}

/** Explicit pads, or pads that give `output_shape` or, with SAME, input times stride. */
function transposedPads(
  call: OpCall,
  full: readonly number[],
  input: readonly number[],
  strides: readonly number[],
): [readonly number[], readonly number[]] {
  const rank = full.length;
  const mode = readText(call.attributes, "auto_pad", "NOTSET");
  const same = mode === "SAME_UPPER" || mode === "SAME_LOWER";
  const declared = readInts(call.attributes, "output_shape")?.slice(-rank);
  const target = declared ?? (same ? input.map((size, i) => size * (strides[i] as number)) : undefined);
  if (target) {
    const totals = target.map((size, i) => Math.max(0, (full[i] as number) - size));
    if (target.some((size, i) => size > (full[i] as number)))
      throw misfit(call, `output_shape [${target}] is larger than the [${full}] that the windows reach`);
    const half = totals.map((t) => Math.floor(t / 2));
    const rest = totals.map((t, i) => t - (half[i] as number));
    return mode === "SAME_UPPER" ? [half, rest] : [rest, half];
  }
  const pads = mode === "VALID" ? undefined : readInts(call.attributes, "pads");
  if (pads && (pads.length !== 2 * rank || pads.some((p) => p < 0)))
    throw misfit(call, `pads is [${pads}]`, `${2 * rank} numbers from 0`);
  return pads ? [pads.slice(0, rank), pads.slice(rank)] : [full.map(() => 0), full.map(() => 0)];
}

const convTransposeGradient: GradientRule = ({ builder: b, call, inputs, gradients, wants }) => {
  const [x, weight] = [inputs[0] as Value, inputs[1] as Value];
  const dy = gradients[0] as Value;
  const attributes = convolutionAttributes(transposedWindow(call), readInt(call.attributes, "group", 1));
  return [
    wants(0) ? cropTo(b, b.op("Conv", [dy, weight], attributes), x.shape) : undefined,
    wants(1) ? weightGradient(b, dy, x, attributes) : undefined,
    wants(2) ? channelSum(b, dy) : undefined,
  ];
};

/** output_padding of a stride or more leaves windows that read only what no input wrote: they go. */
function cropTo(b: GraphBuilder, value: Value, shape: readonly number[]): Value {
  const axes = shape.flatMap((size, i) => (size < (value.shape[i] as number) ? [i] : []));
  if (axes.length === 0) return value;
  const vector = (f: (axis: number) => number): Value => b.constant(int64s(axes.map(f)));
  return b.op("Slice", [value, vector(() => 0), vector((i) => shape[i] as number), vector((i) => i)]);
}

export const convolutionOps: readonly OpDefinition[] = [
  { op: "Conv", infer: inferConv, gradient: convGradient, note: "any stride, padding, dilation and group; 1-D to 3-D" },
  { op: "ConvTranspose", infer: inferConvTranspose, gradient: convTransposeGradient },
  ...convolutionGradientOps,
];
