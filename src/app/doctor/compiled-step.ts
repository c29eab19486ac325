/** One call of a compiled training step at a student's start weights: gradients as the run itself would take them. */
import type { CompiledTraining } from "../../engine/compile/compile.js";
import { BLEND_LABELS, BLEND_SHARE, LABELS, OTHERS, ROWS, SAMPLES } from "../../engine/compile/step.js";
import type { TrainableModel } from "../../engine/graph/trainable-model.js";
import { fillBatch } from "../../learn/data/read.js";
import { allocateSamples } from "../../learn/data/samples.js";
import type { DataSet } from "../../learn/data/types.js";
import { sizeOf, tensor } from "../../engine/graph/tensor.js";
import type { Tensor } from "../../engine/graph/types.js";
import { Random } from "../../engine/random/random.js";
import { MaskFiller } from "../../engine/runtime/masks.js";
import { openSession } from "../../node/session.js";
import { drawOthers } from "../../learn/train/others.js";

export interface StepCall {
  readonly compiled: CompiledTraining;
  readonly model: TrainableModel;
  readonly data: DataSet;
  /** The batch. */
  readonly indices: Uint32Array;
  /** Further batch inputs by name: the teacher's answers and inner values. */
  readonly inputs?: ReadonlyMap<string, Float32Array>;
  /** Number of training samples, where a loss remembers them; the batch is then the first of them. */
  readonly samples?: number;
  /** Values of scalars other than those configured, by the end of their names. */
  readonly scalars?: Readonly<Record<string, number>>;
}

/**
 * Runs one of a compiled training's graphs once, on the CPU with one thread.
 * @param graph `compiled.step.graph` or `compiled.diagnostic.graph`
 * @returns every output by name
 */
export async function callStep(graph: Uint8Array, call: StepCall): Promise<ReadonlyMap<string, Float32Array>> {
  const all = feedsOf(call);
  const session = await openSession(graph, { threads: 1 });
  try {
    const feeds = Object.fromEntries(session.inputs.map(({ name }) => [name, all.get(name) as Tensor]));
    const outputs = await session.run(feeds);
    return new Map(Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array]));
  } finally {
    await session.dispose();
  }
}

function feedsOf(call: StepCall): Map<string, Tensor> {
  const { compiled, model, inputs, scalars = {} } = call;
  const { step, connectors, states } = compiled;
  const feeds = new Map<string, Tensor>();
  for (const name of [...model.parameters, ...model.buffers])
    feeds.set(name, model.graph.initializers.get(name) as Tensor);
  for (const { name, shape } of step.parameters) {
    const start = connectors.get(name);
    if (start) feeds.set(name, tensor("float32", start, shape));
  }
  for (const { name, shape } of step.buffers) {
    const start = states.get(name);
    if (start) feeds.set(name, tensor("float32", start(), shape));
  }
  for (const { name, shape, rate, stream } of step.masks) {
    const mask = new Float32Array(sizeOf(shape));
    new MaskFiller(0, stream, rate).fill(mask, 0);
    feeds.set(name, tensor("float32", mask, shape));
  }
  step.scalars.forEach((name, i) => {
    const changed = Object.keys(scalars).find((end) => name.endsWith(end));
    const value = changed === undefined ? (compiled.scalars[i] as number) : (scalars[changed] as number);
    feeds.set(name, tensor("float32", [value], []));
  });
  for (const { name, dtype, shape } of step.batch) {
    const values = batchValues(name, shape, call) ?? (inputs?.get(name) as Float32Array);
    feeds.set(name, tensor(dtype, values, shape));
  }
  return feeds;
}

/** An input that follows from the batch; null for what the caller gives. Blends are of each sample with itself. */
function batchValues(name: string, shape: readonly number[], call: StepCall): ArrayLike<number> | null {
  const { data, indices, samples = 0 } = call;
  if (name === SAMPLES) return samplesOf(data, indices);
  if (name === LABELS || name === BLEND_LABELS) return labelsOf(data, indices);
  if (name === BLEND_SHARE) return Array<number>(indices.length).fill(1);
  const rows = indices.map((_, i) => i);
  if (name === ROWS) return Array.from(rows);
  if (!name.startsWith(OTHERS)) return null;
  return Array.from(drawOthers(new Random(0, name), rows, samples, shape[0] as number, 0), Number);
}

function samplesOf(data: DataSet, indices: Uint32Array): ArrayLike<number> {
  const samples = allocateSamples(data.samples, indices.length * sizeOf(data.sampleShape));
  fillBatch(data, indices, samples);
  return samples as ArrayLike<number>;
}

const labelsOf = (data: DataSet, indices: Uint32Array): number[] =>
  Array.from(indices, (i) => data.labels?.[i] as number);
