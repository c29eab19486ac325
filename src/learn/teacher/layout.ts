/** How samples of a data set become the input of a foreign model: order of dimensions, size, element type. */

import { InputError } from "../../base/errors.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { namedArrays } from "../data/arrays.js";
import { fillPorts, type PortOptions } from "../data/ports.js";
import type { DataSet, NamedSamples } from "../data/types.js";
import type { SessionValue } from "../../engine/runtime/session-types.js";

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

/** A model with an input for each column of a table. */
export interface ColumnsPlan {
  readonly layout: "columns";
  readonly columns: readonly {
    /** Of the input and of the column. */
    readonly name: string;
    readonly dtype: Exclude<InputPlan["dtype"], "uint8">;
    /** Index of the column among the features. */
    readonly feature: number;
    /** [1], or [] where the model takes a bare list. */
    readonly shape: readonly number[];
  }[];
  readonly fixedBatch: number | null;
}

/** A model with several inputs, each of which reads an array of the data. */
export interface PortsPlan {
  readonly layout: "ports";
  readonly ports: readonly { readonly name: string; readonly dtype: InputPlan["dtype"] }[];
  /** The data's array for an input, where it has another name. */
  readonly map: Readonly<Record<string, string>>;
  readonly paddingId: number | null;
  readonly fixedBatch: number | null;
}

export type FeedPlan = InputPlan | ColumnsPlan | PortsPlan;

/** How a model wants to be fed, as a recipe says it. */
export interface WantedInput {
  readonly input?: string;
  /** Which array of the data each input reads, by the input's name; absent: the array of its own name. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** The token id that stands for padding: a mask that the data lacks is made from it. */
  readonly paddingId?: number;
  readonly layout: "auto" | "nchw" | "nhwc";
  readonly resize: "auto" | "none";
}

const INPUT_TYPES = ["float32", "uint8", "float16", "float64", "int32", "int64"] as const;

const quoted = (names: readonly string[]): string => names.map((n) => `"${n}"`).join(", ");

/** The names, shortened where there are many. */
const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${quoted(names.slice(0, 8))} and ${names.length - 8} more` : quoted(names);

/**
 * How samples become a model's feeds.
 * @param sampleShape [C,H,W], [F] or [sequence]
 * @param features names of a table's columns
 * @throws InputError saying what the model takes and what the data gives
 */
export function planInputs(
  where: string,
  inputs: readonly SessionValue[],
  data: DataSet,
  wanted: WantedInput,
): FeedPlan {
  const { sampleShape, features } = data;
  const names = inputs.map((i) => i.name);
  if (wanted.input !== undefined && !names.includes(wanted.input))
    throw new InputError({
      code: "model-input",
      where: "teacher.input",
      found: `${where} has no input "${wanted.input}"`,
      expected: `one of ${listed(names)}`,
      cure: inputs.length === 1 ? "Leave it out" : "Name an input that the model has",
    });
  const [only] = inputs;
  const several = wanted.inputs !== undefined || data.others !== undefined;
  if (only && inputs.length === 1 && !several) return planInput(where, only, sampleShape, wanted);
  return features && !several ? planColumns(where, inputs, features) : planPorts(where, inputs, data, wanted);
}

/** Arrays by the names of the inputs, or as they are mapped. */
function planPorts(where: string, inputs: readonly SessionValue[], data: DataSet, wanted: WantedInput): PortsPlan {
  const ports = inputs.map(({ name, dtype }) => ({ name, dtype: portType(where, name, dtype) }));
  const { inputs: map = {}, paddingId = data.paddingId ?? null } = wanted;
  const plan: PortsPlan = { layout: "ports", ports, map, paddingId, fixedBatch: fixedBatchOf(inputs) };
  const { data: filled, reads } = fillPorts(data, ports, portOptions(where, plan));
  for (const [i, array] of namedArrays(filled, reads).entries()) checkPort(where, inputs[i] as SessionValue, array);
  return plan;
}

/** @throws InputError when an array has other dimensions or another type than the input takes */
function checkPort(where: string, { name, dtype, shape }: SessionValue, array: NamedSamples): void {
  const sizes = shape.slice(1);
  const fits = sizes.length === array.sampleShape.length && sizes.every((d, k) => free(d, array.sampleShape[k] ?? 0));
  // Without a declared rank, anything may go in.
  if (shape.length > 0 && !fits)
    throw new InputError({
      code: "model-input",
      where,
      found: `its input "${name}" is [${shape.join(", ")}], and a record of the data's array "${array.name}" is [${array.sampleShape}]`,
      expected: `records of [${sizes.join(", ")}]`,
      cure: "Save the array in this shape, or map the input to another array (teacher.inputs)",
    });
  if ((dtype === "int32" || dtype === "int64") && array.samples instanceof Float32Array)
    throw new InputError({
      code: "model-input",
      where,
      found: `its input "${name}" takes whole numbers (${dtype}), and the data's array "${array.name}" holds fractional numbers`,
      expected: "an array of whole numbers, such as token ids or a mask of 0 and 1",
      cure: "Save the array with an integer type, or map the input to another array (teacher.inputs)",
    });
}

/** What `fillPorts` needs besides data and ports. */
export function portOptions(where: string, { map, paddingId }: PortsPlan): PortOptions {
  return { where, field: "teacher.inputs", map, ...(paddingId === null ? {} : { paddingId }) };
}

function portType(where: string, name: string, dtype: string): InputPlan["dtype"] {
  const found = INPUT_TYPES.find((type) => type === dtype);
  if (found) return found;
  throw new InputError({
    code: "model-input",
    where,
    found: `its input "${name}" takes ${dtype}, and limbeck feeds numbers`,
    expected: `one of ${INPUT_TYPES.join(", ")}`,
    cure: "Export a model that takes numbers in every input",
  });
}

/** The batch size that an input declares; null where it is free. */
function fixedBatchOf(inputs: readonly SessionValue[]): number | null {
  const [batch] = inputs.map(({ shape }) => shape[0]).filter((d) => typeof d === "number" && d > 0);
  return typeof batch === "number" ? batch : null;
}

/** Columns by the names of the inputs. A model that needs more than the samples cannot be asked. */
function planColumns(where: string, inputs: readonly SessionValue[], features: readonly string[]): ColumnsPlan {
  const narrow = inputs.every(({ shape }) => shape.length === 1 || (shape.length === 2 && free(shape[1], 1)));
  const unknown = inputs.filter((i) => !features.includes(i.name));
  if (inputs.length === 0 || !narrow || unknown.length > 0)
    throw new InputError({
      code: "model-input",
      where,
      found:
        narrow && features.length > 0 && unknown.length > 0
          ? `its ${unknown.length === 1 ? "input" : "inputs"} ${listed(unknown.map((i) => i.name))} ${unknown.length === 1 ? "is" : "are"} not among the columns of the data`
          : `it has ${inputs.length} inputs (${listed(inputs.map((i) => i.name))})`,
      expected:
        features.length > 0
          ? `one input that takes all columns, or inputs named after the columns (${listed(features)})`
          : "one input that takes the samples",
      cure: "Export a model whose inputs are these",
    });
  return {
    layout: "columns",
    columns: inputs.map(({ name, dtype, shape }) => ({
      name,
      dtype: columnType(where, name, dtype),
      feature: features.indexOf(name),
      shape: shape.length === 1 ? [] : [1],
    })),
    fixedBatch: fixedBatchOf(inputs),
  };
}

function columnType(where: string, name: string, dtype: string): ColumnsPlan["columns"][number]["dtype"] {
  const found = INPUT_TYPES.find((type) => type === dtype);
  if (found && found !== "uint8") return found;
  throw new InputError({
    code: "model-input",
    where,
    found: `its input "${name}" takes ${dtype}, and limbeck feeds numbers`,
    expected: `one of ${INPUT_TYPES.filter((t) => t !== "uint8").join(", ")}`,
    cure: "Export a model that takes numbers in every column",
  });
}

/** Whether a declared dimension may have this size. */
const free = (dim: number | string | undefined, n: number): boolean => typeof dim !== "number" || dim <= 0 || dim === n;

/** Whether whole numbers go in, at least in part: these are never normalised. */
export function takesWhole(plan: FeedPlan): boolean {
  const whole = (dtype: string): boolean => dtype === "int32" || dtype === "int64" || dtype === "uint8";
  if (plan.layout === "ports") return plan.ports.every((p) => whole(p.dtype));
  return plan.layout === "columns" ? plan.columns.some((c) => whole(c.dtype)) : whole(plan.dtype);
}

function planInput(where: string, input: SessionValue, sampleShape: readonly number[], wanted: WantedInput): InputPlan {
  const dtype = INPUT_TYPES.find((type) => type === input.dtype);
  if (!dtype)
    throw misfit(
      where,
      input,
      `takes ${input.dtype}`,
      `one of ${INPUT_TYPES.join(", ")}`,
      "Export a model that takes numbers",
    );
  const [first, ...dims] = input.shape;
  const fixedBatch = typeof first === "number" && first > 0 ? first : null;
  // Without a declared rank, the samples' own form decides.
  const flat = input.shape.length === 0 ? sampleShape.length === 1 : dims.length <= 1;
  if (!flat) return { name: input.name, dtype, fixedBatch, ...planImage(where, input, sampleShape, wanted) };
  if (!free(dims[0], sizeOf(sampleShape)))
    throw misfit(
      where,
      input,
      `is ${shown(input)}, but a sample has ${sizeOf(sampleShape)} values ([${sampleShape}])`,
      `${dims[0]} values for each sample`,
      "Use the features that the model was trained on (data.features), or another model",
    );
  return { name: input.name, dtype, fixedBatch, layout: "flat", resize: null, shape: [sizeOf(sampleShape)] };
}

function planImage(
  where: string,
  input: SessionValue,
  sampleShape: readonly number[],
  wanted: WantedInput,
): Pick<InputPlan, "layout" | "resize" | "shape"> {
  const dims = input.shape.slice(1);
  if (sampleShape.length !== 3)
    throw misfit(
      where,
      input,
      `is ${shown(input)}, an image, but the samples are [${sampleShape}]`,
      "samples of shape [channels, height, width]",
      "Give images, or a model that takes rows",
    );
  const [channels, height, width] = sampleShape as [number, number, number];
  const layout = dims.length === 2 && channels === 1 ? "nhw" : chooseLayout(dims, channels, wanted.layout);
  if (!layout || dims.length > 3)
    throw misfit(
      where,
      input,
      `is ${shown(input)}, and images of ${channels} channel(s) fit neither as [N,C,H,W] nor as [N,H,W,C]`,
      "images with as many channels as the model takes",
      "Check data.channels",
    );
  const [h, w] = layout === "nhw" ? dims : layout === "nchw" ? dims.slice(1) : dims;
  const target: [number, number] = [
    typeof h === "number" && h > 0 ? h : height,
    typeof w === "number" && w > 0 ? w : width,
  ];
  const differs = target[0] !== height || target[1] !== width;
  if (differs && wanted.resize === "none")
    throw misfit(
      where,
      input,
      `is ${shown(input)}, the images are ${height}x${width} and teacher.resize is none`,
      `images of ${target.join("x")}`,
      "Set teacher.resize to auto, or data.size to the model's size",
    );
  const shape = layout === "nhw" ? target : layout === "nchw" ? [channels, ...target] : [...target, channels];
  return { layout, resize: differs ? target : null, shape };
}

const shown = ({ shape }: SessionValue): string => `[${shape.join(", ")}]`;

function misfit(where: string, { name }: SessionValue, found: string, expected: string, cure: string): InputError {
  return new InputError({ code: "model-input", where, found: `its input "${name}" ${found}`, expected, cure });
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
