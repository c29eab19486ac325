/**
 * limbeck's own training loop over a prepared workload: `runLoop` as `train` runs it, with an executor that can be held
 * between rounds and tells how long it ran. Batches, transfers, accounting and logging all happen as in a training.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromArrays } from "../../src/learn/data/dataset.js";
import { createExecutor } from "../../src/node/executor.js";
import { MetricsLog } from "../../src/learn/train/metrics-log.js";
import { targetOf, trainingEnvironment } from "../../src/learn/train/train.js";
import type { PreparedWorkload } from "../harness/prepare.js";
import { holdLoop, type OpenedLoop, taskOf } from "./held.js";

/** @param profile prefix of the files ONNX Runtime's traces go to */
export async function openLoop(folder: string, threads: number, profile?: string): Promise<OpenedLoop> {
  const start = performance.now();
  const workload = JSON.parse(readFileSync(join(folder, "workload.json"), "utf8")) as PreparedWorkload;
  const floats = (name: string): Float32Array => new Float32Array(bytesOf(folder, name));
  const samples = floats("samples.f32");
  const data = fromArrays({
    name: workload.name,
    samples: workload.samples.kind === "tokens" ? Int32Array.from(samples) : samples,
    sampleShape: workload.inputShape,
    labels: new Int32Array(bytesOf(folder, "labels.i32")),
    classes: Array.from({ length: workload.classes }, (_, i) => String(i)),
  });
  const task = taskOf(workload, data, workload.objective.distillationLoss && floats("teacher.f32"), threads);
  return holdLoop(
    task,
    {
      createExecutor: (config, initial) => createExecutor({ ...config, profile }, initial),
      target: await targetOf("cpu"),
      environment: trainingEnvironment(threads),
      log: new MetricsLog(null, 0),
    },
    start,
  );
}

function bytesOf(folder: string, name: string): ArrayBuffer {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
