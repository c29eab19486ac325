/** Sliding windows, as convolutions and pools share them: attributes resolved against a static input. */
import { int, ints, readInt, readInts, readText } from "../graph/attributes.js";
import type { OpCall } from "../graph/builder.js";
import type { Attributes } from "../graph/types.js";
import { quote } from "../../base/quote.js";
import { misfit } from "./support.js";

/** A window over the spatial dimensions of an input; every list has one entry per spatial dimension. */
export interface Window {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding in front, explicit: auto_pad is resolved. */
  readonly begin: readonly number[];
  /** Padding behind. */
  readonly end: readonly number[];
  readonly output: readonly number[];
}

/**
 * The window that a call's attributes (strides, dilations, pads, auto_pad, ceil_mode) mean.
 * @param input spatial sizes of the input
 * @param kernel spatial sizes of the kernel
 */
export function windowOf(call: OpCall, input: readonly number[], kernel: readonly number[]): Window {
  const rank = input.length;
  const { attributes: a } = call;
  if (kernel.length !== rank) throw misfit(call, `the kernel is [${kernel}]`, `${rank} spatial sizes`);
  const strides = positive(call, "strides", readInts(a, "strides") ?? ones(rank), rank);
  const dilations = positive(call, "dilations", readInts(a, "dilations") ?? ones(rank), rank);
  positive(call, "kernel_shape", kernel, rank);
  const extent = kernel.map((k, i) => (dilations[i] as number) * (k - 1) + 1);
  const [begin, end] = padsOf(call, input, strides, extent);
  const ceil = readInt(a, "ceil_mode", 0) === 1;
  const output = input.map((size, i) => {
    const [stride, pad] = [strides[i] as number, begin[i] as number];
    const room = size + pad + (end[i] as number) - (extent[i] as number);
    if (room < 0) throw misfit(call, `the kernel [${kernel}] does not fit into the padded input [${input}]`);
    const windows = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // A window that would start behind the input and its front padding does not count.
    return ceil && (windows - 1) * stride >= size + pad ? windows - 1 : windows;
  });
  return { input, kernel, strides, dilations, begin, end, output };
}

/** The window as attributes with explicit pads. */
export function windowAttributes(w: Window): Attributes {
  return {
    kernel_shape: ints(w.kernel),
    strides: ints(w.strides),
    dilations: ints(w.dilations),
    pads: ints([...w.begin, ...w.end]),
  };
}

/** `windowAttributes` with the group of a convolution. */
export function convolutionAttributes(w: Window, group: number): Attributes {
  return { ...windowAttributes(w), group: int(group) };
}

export const ones = (rank: number): number[] => Array<number>(rank).fill(1);

/** [spatial dimensions of a batch-and-channels-first shape]. */
export const spatialOf = (shape: readonly number[]): readonly number[] => shape.slice(2);

/** Same list for 1 spatial dimension put behind a leading dimension of the given size: 1-D becomes 2-D. */
export function planar(w: Window): Window {
  if (w.input.length !== 1) return w;
  const lead = (values: readonly number[], first: number): number[] => [first, ...values];
  return {
    input: lead(w.input, 1),
    kernel: lead(w.kernel, 1),
    strides: lead(w.strides, 1),
    dilations: lead(w.dilations, 1),
    begin: lead(w.begin, 0),
    end: lead(w.end, 0),
    output: lead(w.output, 1),
  };
}

function padsOf(
  call: OpCall,
  input: readonly number[],
  strides: readonly number[],
  extent: readonly number[],
): [number[], number[]] {
  const rank = input.length;
  const mode = readText(call.attributes, "auto_pad", "NOTSET");
  if (mode === "VALID") return [Array<number>(rank).fill(0), Array<number>(rank).fill(0)];
  if (mode === "SAME_UPPER" || mode === "SAME_LOWER") {
    const totals = input.map((size, i) => {
      const stride = strides[i] as number;
      return Math.max(0, (Math.ceil(size / stride) - 1) * stride + (extent[i] as number) - size);
    });
    const halves = totals.map((t) => Math.floor(t / 2));
    const rest = totals.map((t, i) => t - (halves[i] as number));
    return mode === "SAME_UPPER" ? [halves, rest] : [rest, halves];
  }
  if (mode !== "NOTSET") throw misfit(call, `auto_pad is ${quote(mode)}`, "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  const pads = readInts(call.attributes, "pads") ?? Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * rank || pads.some((p) => p < 0))
    throw misfit(call, `pads is [${pads}]`, `${2 * rank} numbers from 0`);
  return [pads.slice(0, rank), pads.slice(rank)];
}

function positive(call: OpCall, name: string, values: readonly number[], rank: number): readonly number[] {
  if (values.length !== rank || values.some((v) => v < 1))
    throw misfit(call, `${name} is [${values}]`, `${rank} numbers above 0`);
  return values;
}
