/** What a summary says about the machine, and how long a model's call takes. */
import { arch, cpus, platform } from "node:os";
import { sizeOf } from "../../engine/graph/tensor.js";
import { type Latency, measureLatencies, measureLatency } from "../../learn/evaluate/latency.js";
import type { Environment } from "../../learn/evaluate/summary.js";
import type { Tensor } from "../../engine/graph/types.js";
import type { Execution } from "../recipe/resolve.js";
import { loadOnnxRuntime, type Session } from "../../node/session.js";
import { openClassifier } from "../../learn/teacher/open.js";
import type { RunContext } from "../folder/context.js";

/** The machine and the versions a run was made with. */
export async function environmentOf({ threads, device }: Execution): Promise<Environment> {
  const { versions } = (await loadOnnxRuntime()).env;
  return {
    node: process.versions.node,
    "onnxruntime-node": versions.node ?? versions.common,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    threads,
    device,
  };
}

export interface LatencyRequest {
  /** Measured calls; default 200. */
  readonly runs?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/**
 * Time of one call with one sample (or the model's fixed batch) of zeros.
 * @param sample shapes of the inputs where the model leaves them free; without it such a model is not measured
 * @returns null when an input's size or type is not known
 */
export async function latencyOf(
  file: string,
  request: LatencyRequest,
  sample?: readonly number[],
): Promise<Latency | null> {
  const call = await oneCall(file, sample, request.threads);
  if (!call) return null;
  try {
    const measured = await measureLatency(call.run, { runs: request.runs, signal: request.signal });
    return { ...measured, batch: call.batch };
  } finally {
    await call.dispose();
  }
}

/**
 * Latencies of several models with one sample each, in turns, so that a busy moment of the machine falls on all of them.
 * @param fileOf a model's file; null for what has none, and is left out
 */
export async function latenciesOf<T>(
  { execution, loaded, plan, signal }: RunContext,
  models: readonly T[],
  fileOf: (model: T) => string | null,
): Promise<Map<T, Latency>> {
  const measured: { model: T; name: string; call: OneCall; run: () => Promise<unknown> }[] = [];
  try {
    for (const model of models) {
      const file = fileOf(model);
      const call = file === null ? null : await oneCall(file, loaded.data.sampleShape, execution.threads);
      if (call) measured.push({ model, name: file as string, call, run: call.run });
    }
    const latencies = await measureLatencies(measured, { runs: plan.evaluation.latencyRuns, signal });
    return new Map(measured.map((m, i) => [m.model, latencies[i] as Latency]));
  } finally {
    for (const { call } of measured) await call.dispose();
  }
}

export interface OneCall {
  /** Samples a call. */
  readonly batch: number;
  run(): Promise<unknown>;
  dispose(): Promise<void>;
}

/**
 * One call of a model with one sample (or its fixed batch) of zeros.
 * @returns null when the model does not say enough about its input, or refuses what we make of it: a figure less is no
 * reason to lose a run
 */
export async function oneCall(
  file: string,
  sample: readonly number[] | undefined,
  threads: number | undefined,
): Promise<OneCall | null> {
  const { session } = await openClassifier(file, { threads });
  const feeds = oneSample(session, sample);
  const runs =
    feeds !== null &&
    (await session.run(feeds).then(
      () => true,
      () => false,
    ));
  if (!runs) {
    await session.dispose();
    return null;
  }
  const batch = feeds[session.inputs[0]?.name ?? ""]?.shape[0] ?? 1;
  return { batch, run: () => session.run(feeds), dispose: () => session.dispose() };
}

/**
 * One sample (or the model's fixed batch) of zeros for every input; null when an input's size or type is not known.
 * @param sample shape of a sample, where the model leaves it free
 */
function oneSample(session: Session, sample: readonly number[] | undefined): Record<string, Tensor> | null {
  const feeds: Record<string, Tensor> = {};
  for (const { name, dtype, shape: stated } of session.inputs) {
    const declared = stated.length === 0 && sample ? ["batch", ...sample] : stated;
    const free = declared.length === (sample?.length ?? -2) + 1 ? [1, ...(sample as readonly number[])] : [1];
    const shape = declared.map((d, i) => (typeof d === "number" && d > 0 ? d : (free[i] ?? Number.NaN)));
    const size = sizeOf(shape);
    if (!Number.isFinite(size)) return null;
    if (dtype === "uint8") feeds[name] = { dtype, shape, data: new Uint8Array(size) };
    else if (dtype === "float32") feeds[name] = { dtype, shape, data: new Float32Array(size) };
    else if (dtype === "float64") feeds[name] = { dtype, shape, data: new Float64Array(size) };
    else if (dtype === "float16") feeds[name] = { dtype, shape, data: new Uint16Array(size) };
    else if (dtype === "int32") feeds[name] = { dtype, shape, data: new Int32Array(size) };
    else if (dtype === "int64") feeds[name] = { dtype, shape, data: new BigInt64Array(size) };
    else return null;
  }
  return feeds;
}
