/** Reference kernels of convolutions: the definition, element by element. */
import { readInt, readInts, readText } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import type { Attributes } from "../../../../../src/engine/graph/types.js";
import { eachIndex, type KernelTable, need, ref } from "./kernel.js";
import { refWindow, underWindow } from "./window.js";

export const convolutionKernels: KernelTable = {
  Conv(inputs, attributes) {
    const [x, w, bias] = [need(inputs, 0), need(inputs, 1), inputs[2]];
    const group = readInt(attributes, "group", 1);
    const spatial = x.shape.slice(2);
    const window = refWindow(attributes, spatial, w.shape.slice(2));
    const [channels, filters, each] = [x.shape[1] as number, w.shape[0] as number, w.shape[1] as number];
    const [plane, taps] = [sizeOf(spatial), sizeOf(window.kernel)];
    const shape = [x.shape[0] as number, filters, ...window.output];
    const out = new Float64Array(sizeOf(shape));
    eachIndex(shape, (index, flat) => {
      const [n, f] = index as [number, number];
      const first = Math.floor(f / (filters / group)) * each;
      let sum = bias ? (bias.data[f] as number) : 0;
      underWindow(window, spatial, index.slice(2), (k, input) => {
        if (input < 0) return;
        for (let c = 0; c < each; c++) {
          sum +=
            (x.data[(n * channels + first + c) * plane + input] as number) *
            (w.data[(f * each + c) * taps + k] as number);
        }
      });
      out[flat] = sum;
    });
    return [ref(x.dtype, shape, out)];
  },
  ConvTranspose(inputs, attributes) {
    const [x, w, bias] = [need(inputs, 0), need(inputs, 1), inputs[2]];
    const group = readInt(attributes, "group", 1);
    const spatial = x.shape.slice(2);
    const kernel = w.shape.slice(2);
    const one = spatial.map(() => 1);
    const strides = readInts(attributes, "strides") ?? one;
    const dilations = readInts(attributes, "dilations") ?? one;
    const extra = readInts(attributes, "output_padding") ?? one.map(() => 0);
    const full = spatial.map(
      (s, i) =>
        (strides[i] as number) * (s - 1) +
        (extra[i] as number) +
        ((kernel[i] as number) - 1) * (dilations[i] as number) +
        1,
    );
    const pads = transposedPads(attributes, full, spatial, strides);
    const output = full.map((size, i) => size - (pads[i] as number) - (pads[i + spatial.length] as number));
    const [channels, each] = [x.shape[1] as number, w.shape[1] as number];
    const filters = each * group;
    const shape = [x.shape[0] as number, filters, ...output];
    const out = new Float64Array(sizeOf(shape));
    if (bias)
      out.forEach((_, i) => {
        out[i] = bias.data[Math.floor(i / sizeOf(output)) % filters] as number;
      });
    const taps = sizeOf(kernel);
    eachIndex([...x.shape, ...kernel], (index, flat) => {
      const source = Math.floor(flat / taps);
      const tap = flat % taps;
      const [n, c] = index as [number, number];
      const at = spatial.map(
        (_, i) =>
          (index[2 + i] as number) * (strides[i] as number) -
          (pads[i] as number) +
          (index[2 + spatial.length + i] as number) * (dilations[i] as number),
      );
      if (at.some((p, i) => p < 0 || p >= (output[i] as number))) return;
      const place = at.reduce((a, p, i) => a * (output[i] as number) + p, 0);
      const base = Math.floor(c / (channels / group)) * each;
      for (let f = 0; f < each; f++) {
        const target = (n * filters + base + f) * sizeOf(output) + place;
        out[target] =
          (out[target] as number) + (x.data[source] as number) * (w.data[(c * each + f) * taps + tap] as number);
      }
    });
    return [ref(x.dtype, shape, out)];
  },
};

/**
 * ONNX's text of ConvTranspose: with a target size (output_shape, or input times stride for SAME), total padding is full
 * size minus target; SAME_UPPER puts the smaller half in front, everything else the larger.
 */
function transposedPads(
  attributes: Attributes,
  full: readonly number[],
  spatial: readonly number[],
  strides: readonly number[],
): readonly number[] {
  const auto = readText(attributes, "auto_pad", "NOTSET");
  const declared = readInts(attributes, "output_shape")?.slice(-full.length);
  const target = declared ?? (auto.startsWith("SAME") ? spatial.map((s, i) => s * (strides[i] as number)) : undefined);
  if (!target) return readInts(attributes, "pads") ?? [...full, ...full].map(() => 0);
  const total = full.map((size, i) => Math.max(0, size - (target[i] as number)));
  const small = total.map((t) => Math.floor(t / 2));
  const large = total.map((t) => Math.ceil(t / 2));
  return auto === "SAME_UPPER" ? [...small, ...large] : [...large, ...small];
}
