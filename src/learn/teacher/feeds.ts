/** Raw samples of a data set as the feeds of a foreign model: normalised, resized, in its layout and its element types. */
import { isIdentity } from "../../engine/compile/normalise.js";
import { namedArrays, SAMPLES_NAME } from "../data/arrays.js";
import { normaliseSamples, RAW } from "../data/normalise.js";
import { fillPorts } from "../data/ports.js";
import { fillBatch, restoreMissing } from "../data/read.js";
import { allocateSamples, wholeSamples } from "../data/samples.js";
import type { DataSet } from "../data/types.js";
import type { Normalisation, SampleArray } from "../../engine/graph/samples.js";
import { InputError } from "../../base/errors.js";
import { toHalf } from "../../engine/graph/half.js";
import { sizeOf, tensor } from "../../engine/graph/tensor.js";
import type { Tensor } from "../../engine/graph/types.js";
import {
  type ColumnsPlan,
  channelsLast,
  type FeedPlan,
  type InputPlan,
  type PortsPlan,
  portOptions,
  resizePlanes,
} from "./layout.js";

/** What a model is fed for these samples, by the names of its inputs. @throws InputError when the samples do not fit */
export function feedsOf(
  data: DataSet,
  indices: Uint32Array,
  plan: FeedPlan,
  normalisation: Normalisation,
  takesMissing = false,
): Record<string, Tensor> {
  if (plan.layout === "ports") return portFeeds(data, indices, plan, normalisation);
  const raw = allocateSamples(data.samples, indices.length * sizeOf(data.sampleShape));
  fillBatch(data, indices, raw);
  // What fills gaps belongs to a model: another model's means would be wrong for it.
  if (takesMissing || normalisation.missing) restoreMissing(data, indices, raw);
  if (plan.layout === "columns") return columnFeeds(data, raw, indices.length, plan, normalisation);
  return { [plan.name]: toFeed(data, raw, indices.length, plan, normalisation) };
}

/** Rounding to bytes must not destroy the samples. @throws InputError when it would */
export function checkBytes(path: string, data: DataSet, some: Uint32Array, normalisation: Normalisation): void {
  const raw = allocateSamples(data.samples, some.length * sizeOf(data.sampleShape));
  fillBatch(data, some, raw);
  const values = normaliseSamples(raw, normalisation, data.sampleShape);
  const [least, most] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const lost = most <= 1 && values.some((v) => v !== Math.round(v));
  if (least > -0.5 && most < 255.5 && !lost) return;
  throw new InputError({
    code: "option-conflict",
    where: "teacher.normalise",
    found: `${path} takes bytes, but after normalisation the samples lie between ${least.toPrecision(3)} and ${most.toPrecision(3)}`,
    expected: "values from 0 to 255",
    cure: "Set it to none for raw bytes, or to numbers that lead to 0 ... 255",
  });
}

function toFeed(data: DataSet, raw: SampleArray, count: number, plan: InputPlan, normalisation: Normalisation): Tensor {
  const shape = [count, ...plan.shape];
  if (plan.dtype === "int32" || plan.dtype === "int64") return wholeFeed(data, raw, plan.dtype, shape, normalisation);
  let values = normaliseSamples(raw, normalisation, data.sampleShape);
  const [channels = 1, height = 1, width = 1] = data.sampleShape;
  if (plan.resize) values = resizePlanes(values, count, [channels, height, width], plan.resize);
  if (plan.layout === "nhwc") values = channelsLast(values, count, channels, values.length / count / channels);
  if (plan.dtype === "uint8")
    return { dtype: "uint8", shape, data: Uint8Array.from(values, (v) => Math.max(0, Math.min(255, Math.round(v)))) };
  return floatFeed(values, plan.dtype, shape);
}

function floatFeed(values: Float32Array, dtype: "float32" | "float16" | "float64", shape: readonly number[]): Tensor {
  if (dtype === "float16") return { dtype, shape, data: toHalf(values) };
  return { dtype, shape, data: dtype === "float64" ? Float64Array.from(values) : values };
}

/** Token ids and the like go as they are. */
function wholeFeed(
  data: DataSet,
  raw: SampleArray,
  dtype: "int32" | "int64",
  shape: readonly number[],
  normalisation: Normalisation,
): Tensor {
  const values = isIdentity(normalisation) ? wholeSamples(raw) : null;
  if (values) return tensor(dtype, values, shape);
  throw new InputError({
    code: "model-input",
    where: data.name,
    found: `the samples are ${isIdentity(normalisation) ? "not whole numbers" : "normalised"}, but the model takes whole numbers (${dtype})`,
    expected: "whole numbers, such as token ids",
    cure: "Give samples of whole numbers and set normalise to none",
  });
}

/** One feed for each input, from the array that it reads. */
function portFeeds(
  data: DataSet,
  indices: Uint32Array,
  plan: PortsPlan,
  normalisation: Normalisation,
): Record<string, Tensor> {
  const { data: filled, reads } = fillPorts(data, plan.ports, portOptions("the teacher", plan));
  return Object.fromEntries(
    namedArrays(filled, reads).map((array, i) => {
      const { name, dtype } = plan.ports[i] as PortsPlan["ports"][number];
      const raw = allocateSamples(array.samples, indices.length * sizeOf(array.sampleShape));
      fillBatch(array, indices, raw);
      const shape = [indices.length, ...array.sampleShape];
      if (dtype === "int32" || dtype === "int64") return [name, tensor(dtype, raw, shape)];
      // The normalisation is that of the main array.
      const main = array.samples === data.samples && array.name === (data.input ?? SAMPLES_NAME);
      const values = normaliseSamples(raw, main ? normalisation : RAW, array.sampleShape);
      if (dtype === "uint8") return [name, tensor("uint8", raw, shape)];
      return [name, floatFeed(values, dtype, shape)];
    }),
  );
}

/** One feed for each column that the model names. */
function columnFeeds(
  data: DataSet,
  raw: SampleArray,
  count: number,
  { columns }: ColumnsPlan,
  normalisation: Normalisation,
): Record<string, Tensor> {
  const width = sizeOf(data.sampleShape);
  const values = normaliseSamples(raw, normalisation, data.sampleShape);
  return Object.fromEntries(
    columns.map(({ name, dtype, feature, shape }) => {
      const column = <T extends SampleArray>(from: T, to: T): T => {
        for (let i = 0; i < count; i++) to[i] = from[i * width + feature] as number;
        return to;
      };
      const dims = [count, ...shape];
      if (dtype === "int32" || dtype === "int64")
        return [name, wholeColumn(data, name, dtype, column(raw, allocateSamples(raw, count)), dims, normalisation)];
      return [name, floatFeed(column(values, new Float32Array(count)), dtype, dims)];
    }),
  );
}

function wholeColumn(
  data: DataSet,
  name: string,
  dtype: "int32" | "int64",
  values: SampleArray,
  shape: readonly number[],
  normalisation: Normalisation,
): Tensor {
  const whole = isIdentity(normalisation) ? wholeSamples(values) : null;
  if (whole) return tensor(dtype, whole, shape);
  const odd = values.find((v) => !Number.isInteger(v));
  throw new InputError({
    code: "model-input",
    where: data.name,
    found:
      odd === undefined
        ? `the model takes whole numbers (${dtype}) for the column "${name}", but its values are normalised`
        : `the column "${name}" holds ${odd}, but the model takes whole numbers (${dtype}) there`,
    expected: "whole numbers",
    cure: odd === undefined ? "Set teacher.normalise to none" : "Export the model with a float input for this column",
  });
}
