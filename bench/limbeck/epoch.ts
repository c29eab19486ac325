/** One epoch of limbeck's training loop over synthetic samples: `node epoch.js <samples> <threads>`. */
import { fromArrays } from "../../src/learn/data/dataset.js";
import { packageVersion } from "../../src/node/package-root.js";
import { Random } from "../../src/engine/random/random.js";
import { createExecutor } from "../../src/node/executor.js";
import { MetricsLog } from "../../src/learn/train/metrics-log.js";
import { targetOf, trainingEnvironment } from "../../src/learn/train/train.js";
import type { PreparedWorkload } from "../harness/prepare.js";
import type { ProgramReport } from "../harness/program.js";
import { SEED, STEP_WORKLOADS, type StepWorkload } from "../workloads.js";
import { holdLoop, taskOf } from "./held.js";
import { peakMemory } from "./serve.js";

const FEATURES = 32;
const CLASSES = 10;
const BATCH = 512;

const [samples, threads] = process.argv.slice(2).map(Number) as [number, number];
const start = performance.now();
const workload = {
  ...(STEP_WORKLOADS.find((w) => w.name === "mlp-large") as StepWorkload),
  model: { kind: "mlp", hidden: [64, 64] },
  inputShape: [FEATURES],
  classes: CLASSES,
  batch: BATCH,
  sampleCount: samples,
} as unknown as PreparedWorkload;

/** Noise of a fixed length over and over: drawing 320 million normal numbers is not what is measured. */
function noise(length: number, stream: string): Float32Array<ArrayBuffer> {
  const out = new Float32Array(length);
  const some = new Float32Array(Math.min(length, 1_000_003));
  new Random(SEED, stream).fillNormal(some, 0, 1);
  for (let at = 0; at < length; at += some.length) out.set(some.subarray(0, length - at), at);
  return out;
}

const data = fromArrays({
  name: "noise",
  samples: noise(samples * FEATURES, "samples"),
  sampleShape: [FEATURES],
  labels: Int32Array.from({ length: samples }, (_, i) => i % CLASSES),
  classes: Array.from({ length: CLASSES }, (_, i) => String(i)),
});
const { loop } = await holdLoop(
  taskOf(workload, data, noise(samples * CLASSES, "teacher"), threads),
  {
    createExecutor,
    target: await targetOf("cpu"),
    environment: trainingEnvironment(threads),
    log: new MetricsLog(null, 0),
  },
  start,
);
const steps = Math.floor(samples / BATCH);
const opened = performance.now();
await loop.losses(steps);
const value = (performance.now() - opened) / 1000;
const report: ProgramReport = {
  version: `limbeck ${packageVersion()}`,
  detail: `Node ${process.versions.node}`,
  value,
  parts: { "preparing, s": (opened - start) / 1000, steps },
  peakBytes: peakMemory(),
};
await loop.dispose();
console.log(JSON.stringify(report));
