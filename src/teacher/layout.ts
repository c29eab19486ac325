/** How samples of a data set become the input of a foreign model: order of dimensions, size, element type. */

import { InputError } from "../errors.js";
import type { SessionValue } from "../runtime/session.js";

export interface InputPlan {
  readonly name: string;
  readonly dtype: (typeof INPUT_TYPES)[number];
  readonly layout: "flat" | "nchw" | "nhwc" | "nhw";
  /** Height and width the model wants; null when the samples already fit. */
  readonly resize: readonly [number, number] | null;
  /** Batch size the model insists on; null when free. */
  readonly fixedBatch: number | null;
  /** Shape of the feed without the batch. */
  readonly shape: readonly number[];
}

const INPUT_TYPES = ["float32", "uint8", "float16", "float64", "int32", "int64"] as const;

const size = (shape: readonly number[]): number => shape.reduce((p, d) => p * d, 1);

/**
 * @param sampleShape [C,H,W], [F] or [sequence]
 * @throws InputError saying what the model takes and what the data gives
 */
export function planInput(
  where: string,
  input: SessionValue,
  sampleShape: readonly number[],
  wanted: { readonly layout: "auto" | "nchw" | "nhwc"; readonly resize: "auto" | "none" },
): InputPlan {
  const dtype = INPUT_TYPES.find((type) => type === input.dtype);
  if (!dtype)
    throw new InputError(
      where,
      `its input "${input.name}" takes ${input.dtype}; expected one of ${INPUT_TYPES.join(", ")}`,
    );
  const [first, ...dims] = input.shape;
  const common = {
    name: input.name,
    dtype,
    fixedBatch: typeof first === "number" && first > 0 ? first : null,
  } as const;
  const fits = (dim: number | string | undefined, n: number): boolean =>
    typeof dim !== "number" || dim <= 0 || dim === n;
  const shown = `[${input.shape.join(", ")}]`;
  // Without a declared rank, the samples' own form decides.
  if (input.shape.length === 0 ? sampleShape.length === 1 : dims.length <= 1) {
    if (!fits(dims[0], size(sampleShape)))
      throw new InputError(
        where,
        `its input "${input.name}" is ${shown}, but a sample has ${size(sampleShape)} values ([${sampleShape}])`,
      );
    return { ...common, layout: "flat", resize: null, shape: [size(sampleShape)] };
  }
  if (sampleShape.length !== 3)
    throw new InputError(
      where,
      `its input "${input.name}" is ${shown}, an image, but the samples are [${sampleShape}]`,
    );
  const [channels, height, width] = sampleShape as [number, number, number];
  const layout = dims.length === 2 && channels === 1 ? "nhw" : chooseLayout(dims, channels, wanted.layout);
  if (!layout || dims.length > 3)
    throw new InputError(
      where,
      `its input "${input.name}" is ${shown}; images of ${channels} channel(s) fit neither as [N,C,H,W] nor as [N,H,W,C]. Check data.channels`,
    );
  const [h, w] = layout === "nhw" ? dims : layout === "nchw" ? dims.slice(1) : dims;
  const target: [number, number] = [
    typeof h === "number" && h > 0 ? h : height,
    typeof w === "number" && w > 0 ? w : width,
  ];
  const differs = target[0] !== height || target[1] !== width;
  if (differs && wanted.resize === "none")
    throw new InputError(
      where,
      `its input "${input.name}" is ${shown}, the images are ${height}x${width} and teacher.resize is none`,
    );
  const shape = layout === "nhw" ? target : layout === "nchw" ? [channels, ...target] : [...target, channels];
  return { ...common, layout, resize: differs ? target : null, shape };
}

function chooseLayout(
  dims: readonly (number | string)[],
  channels: number,
  wanted: "auto" | "nchw" | "nhwc",
): "nchw" | "nhwc" | null {
  const can = (dim: number | string | undefined): boolean => typeof dim !== "number" || dim <= 0 || dim === channels;
  if (wanted !== "auto") return can(wanted === "nchw" ? dims[0] : dims[2]) ? wanted : null;
  // A stated channel count decides; when both ends are free, ONNX exports are NCHW far more often.
  if (dims[0] === channels && !(dims[2] === channels && typeof dims[0] !== "number")) return "nchw";
  if (dims[2] === channels) return "nhwc";
  return can(dims[0]) ? "nchw" : can(dims[2]) ? "nhwc" : null;
}

/** Bilinear resize of [C,H,W] planes with half-pixel centres, as PIL's and OpenCV's linear upsampling. */
export function resizePlanes(
  samples: Float32Array,
  count: number,
  shape: readonly [number, number, number],
  target: readonly [number, number],
): Float32Array {
  const [channels, height, width] = shape;
  const [h, w] = target;
  const out = new Float32Array(count * channels * h * w);
  const ys = Array.from({ length: h }, (_, y) => place(y, h, height));
  const xs = Array.from({ length: w }, (_, x) => place(x, w, width));
  for (let p = 0; p < count * channels; p++) {
    const from = p * height * width;
    for (let y = 0; y < h; y++) {
      const [y0, y1, fy] = ys[y] as [number, number, number];
      for (let x = 0; x < w; x++) {
        const [x0, x1, fx] = xs[x] as [number, number, number];
        const at = (yy: number, xx: number): number => samples[from + yy * width + xx] as number;
        const top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx;
        const bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx;
        out[(p * h + y) * w + x] = top * (1 - fy) + bottom * fy;
      }
    }
  }
  return out;
}

function place(i: number, target: number, source: number): [number, number, number] {
  const at = Math.min(Math.max(((i + 0.5) * source) / target - 0.5, 0), source - 1);
  const low = Math.floor(at);
  return [low, Math.min(low + 1, source - 1), at - low];
}

/** [N,C,H,W] to [N,H,W,C]. */
export function channelsLast(samples: Float32Array, count: number, channels: number, plane: number): Float32Array {
  const out = new Float32Array(samples.length);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < plane; p++)
        out[(n * plane + p) * channels + c] = samples[(n * channels + c) * plane + p] as number;
    }
  }
  return out;
}
