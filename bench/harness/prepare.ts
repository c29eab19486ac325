/** What every system starts from: initial weights, samples, labels, teacher logits and their order, as files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { epochOrder } from "../../src/learn/data/order.js";
import { sizeOf } from "../../src/engine/graph/tensor.js";
import { Random } from "../../src/engine/random/random.js";
import { BATCHES, COMPARED_STEPS, SEED, type StepWorkload } from "../workloads.js";
import { modelOf } from "./model.js";

/** workload.json beside the files below. Offsets are in float32 elements. */
export interface PreparedWorkload extends StepWorkload {
  /** In the order of weights.f32, names and layouts as limbeck has them: dense [out, in], convolutions [out, in, h, w]. */
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[]; readonly offset: number }[];
  readonly parameterCount: number;
  readonly describe: string;
  /** Samples in samples.f32, labels.i32, teacher.f32 and order.i32; a multiple of the batch. */
  readonly sampleCount: number;
  readonly comparedSteps: number;
}

/**
 * Writes a workload to a folder.
 *
 * weights.f32: all parameters one after the other. samples.f32 [samples, ...inputShape]. labels.i32 [samples].
 * teacher.f32 [samples, classes]: logits. order.i32: the order of the first epoch, which peers repeat in every epoch.
 */
export function writeWorkload(folder: string, workload: StepWorkload, batches = BATCHES): PreparedWorkload {
  mkdirSync(folder, { recursive: true });
  const model = modelOf(workload);
  let offset = 0;
  const parameters = model.parameters.map(({ name, shape, size }) => {
    const at = offset;
    offset += size;
    return { name, shape, offset: at };
  });
  const weights = new Float32Array(offset);
  for (const { name, offset: at } of parameters)
    weights.set(model.graph.initializers.get(name)?.data as Float32Array, at);
  const sampleCount = workload.batch * batches;
  const prepared: PreparedWorkload = {
    ...workload,
    parameters,
    parameterCount: model.parameterCount,
    describe: model.describe,
    sampleCount,
    comparedSteps: COMPARED_STEPS,
  };
  const put = (name: string, data: NodeJS.ArrayBufferView): void => writeFileSync(join(folder, name), data);
  put("weights.f32", weights);
  put("samples.f32", samplesOf(workload, sampleCount));
  const { classes } = workload;
  const labels = new Random(SEED, "labels");
  put(
    "labels.i32",
    Int32Array.from({ length: sampleCount }, (_, i) => Math.floor(labels.uniform(i) * classes)),
  );
  const teacher = new Float32Array(sampleCount * classes);
  new Random(SEED, "teacher").fillNormal(teacher, 0, 3);
  put("teacher.f32", teacher);
  const all = Uint32Array.from({ length: sampleCount }, (_, i) => i);
  put("order.i32", Int32Array.from(epochOrder(all, SEED, 0)));
  writeFileSync(join(folder, "workload.json"), `${JSON.stringify(prepared, null, 2)}\n`);
  return prepared;
}

function samplesOf({ samples, inputShape }: StepWorkload, count: number): Float32Array {
  const random = new Random(SEED, "samples");
  const values = new Float32Array(count * sizeOf(inputShape));
  if (samples.kind === "normal") random.fillNormal(values, 0, 1);
  else for (let i = 0; i < values.length; i++) values[i] = Math.floor(random.uniform(i) * samples.vocabulary);
  return values;
}
