/** Padding as people say it, resolved to ONNX's explicit pads. */
import { ints } from "../graph/attributes.js";
import type { Attributes } from "../graph/types.js";

/**
 * "same": Keras's, so that the output has ceil(size / stride) positions; an odd rest goes behind and below, which makes
 * it asymmetric for 3x3 windows at stride 2 (ONNX's SAME_UPPER). "valid": none. A number: pixels on every side, as in
 * PyTorch.
 */
export type Padding = "same" | "valid" | number;

/** One number for both directions, or [height, width]. */
export type Size = number | readonly [number, number];

export const pair = (size: Size): readonly [number, number] => (typeof size === "number" ? [size, size] : size);

export interface WindowOptions {
  readonly kernel: Size;
  readonly stride: Size;
  readonly padding: Padding;
  readonly dilation?: Size;
}

/** kernel_shape, strides, pads and dilations of a window over [..., height, width]. */
export function windowAttributes(spatial: readonly number[], options: WindowOptions): Attributes {
  const [kernel, stride, dilation] = [pair(options.kernel), pair(options.stride), pair(options.dilation ?? 1)];
  const begin: number[] = [];
  const end: number[] = [];
  for (const i of [0, 1] as const) {
    const total = totalPadding(spatial[i] as number, kernel[i], stride[i], dilation[i], options.padding);
    begin.push(Math.floor(total / 2));
    end.push(Math.ceil(total / 2));
  }
  return {
    kernel_shape: ints(kernel),
    strides: ints(stride),
    pads: ints([...begin, ...end]),
    ...(options.dilation === undefined ? {} : { dilations: ints(dilation) }),
  };
}

function totalPadding(size: number, kernel: number, stride: number, dilation: number, padding: Padding): number {
  if (padding === "valid") return 0;
  if (padding !== "same") return 2 * padding;
  const extent = (kernel - 1) * dilation + 1;
  return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
}
