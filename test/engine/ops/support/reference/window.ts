/** Windows of reference kernels, computed from the ONNX text and apart from src/engine/ops/window.ts. */
import { readInt, readInts, readText } from "../../../../../src/engine/graph/attributes.js";
import type { Attributes } from "../../../../../src/engine/graph/types.js";

export interface RefWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly output: readonly number[];
}

export function refWindow(attributes: Attributes, spatial: readonly number[], kernel: readonly number[]): RefWindow {
  const one = spatial.map(() => 1);
  const strides = readInts(attributes, "strides") ?? one;
  const dilations = readInts(attributes, "dilations") ?? one;
  const auto = readText(attributes, "auto_pad", "NOTSET");
  const pads = readInts(attributes, "pads") ?? [...one, ...one].map(() => 0);
  const ceil = readInt(attributes, "ceil_mode", 0) === 1;
  const begin: number[] = [];
  const end: number[] = [];
  const output = spatial.map((size, i) => {
    const [k, s, d] = [kernel[i] as number, strides[i] as number, dilations[i] as number];
    const reach = (k - 1) * d + 1;
    let [b, e] = [pads[i] as number, pads[i + spatial.length] as number];
    if (auto.startsWith("SAME")) {
      const total = Math.max(0, (Math.ceil(size / s) - 1) * s + reach - size);
      [b, e] = [Math.floor(total / 2), Math.ceil(total / 2)];
      if (auto === "SAME_LOWER") [b, e] = [e, b];
    }
    begin.push(b);
    end.push(e);
    let n = (size + b + e - reach) / s + 1;
    n = ceil ? Math.ceil(n) : Math.floor(n);
    return ceil && (n - 1) * s >= size + b ? n - 1 : n;
  });
  return { kernel, strides, dilations, begin, end, output };
}

/** Calls visit(flat kernel index, flat input index or -1 in the padding) for every element under one window. */
export function underWindow(
  w: RefWindow,
  spatial: readonly number[],
  at: readonly number[],
  visit: (k: number, input: number, inPadding: boolean) => void,
): void {
  const total = w.kernel.reduce((p, d) => p * d, 1);
  for (let k = 0; k < total; k++) {
    let rest = k;
    let flat = 0;
    let stride = 1;
    let inside = true;
    let padded = true;
    for (let i = spatial.length - 1; i >= 0; i--) {
      const size = w.kernel[i] as number;
      const p =
        (at[i] as number) * (w.strides[i] as number) -
        (w.begin[i] as number) +
        (rest % size) * (w.dilations[i] as number);
      rest = Math.floor(rest / size);
      if (p < 0 || p >= (spatial[i] as number)) inside = false;
      if (p < -(w.begin[i] as number) || p >= (spatial[i] as number) + (w.end[i] as number)) padded = false;
      flat += p * stride;
      stride *= spatial[i] as number;
    }
    visit(k, inside ? flat : -1, padded);
  }
}
