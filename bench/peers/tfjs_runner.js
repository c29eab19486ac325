// TensorFlow.js's runner of a dense workload, wasm backend: node tfjs_runner.js <folder> <threads>
import { createRequire } from "node:module";
import { readWorkload, rowsOf, serve } from "./common.js";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");

const [folder, threads] = process.argv.slice(2);
const start = performance.now();
wasm.setThreadsCount(Number(threads));
await tf.setBackend("wasm");
await tf.ready();
const workload = readWorkload(folder);
const { spec } = workload;
const { rule, lr, objective, classes } = spec;
if (rule.kind === "adamw") throw new Error("TensorFlow.js has no AdamW");
const weights = workload.parameters.map(({ shape, values }) =>
  tf.variable(shape.length === 2 ? tf.transpose(tf.tensor(values, shape)) : tf.tensor(values, shape)),
);
const optimiser =
  rule.kind === "sgd" ? tf.train.momentum(lr, rule.momentum) : tf.train.adam(lr, rule.beta1, rule.beta2, rule.epsilon);

function forward(x) {
  let y = x;
  for (let layer = 0; layer < weights.length; layer += 2) {
    y = tf.add(tf.matMul(y, weights[layer]), weights[layer + 1]);
    if (layer + 2 < weights.length) y = tf.relu(y);
  }
  return y;
}

function lossOf(x, labels, teacher) {
  const logits = forward(x);
  const hard = tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(labels, classes), tf.logSoftmax(logits)), 1)));
  if (!objective.distillationLoss) return hard;
  const { alpha } = objective;
  const t = objective.distillationLoss.temperature;
  const soft = tf.logSoftmax(tf.div(teacher, t));
  const kl = tf.mean(tf.sum(tf.mul(tf.exp(soft), tf.sub(soft, tf.logSoftmax(tf.div(logits, t)))), 1));
  return tf.add(tf.mul(hard, 1 - alpha), tf.mul(kl, alpha * t * t));
}

const width = spec.inputShape[0];
async function step(rows) {
  const loss = tf.tidy(() => {
    const x = tf.tensor2d(rowsOf(workload.samples, width, rows), [rows.length, width]);
    const labels = tf.tensor1d(rowsOf(workload.labels, 1, rows), "int32");
    const teacher = tf.tensor2d(rowsOf(workload.teacher, classes, rows), [rows.length, classes]);
    return optimiser.minimize(() => lossOf(x, labels, teacher), true, weights);
  });
  const [value] = await loss.data();
  loss.dispose();
  return value;
}

const { version } = require("@tensorflow/tfjs/package.json");
await serve(
  {
    version: `TensorFlow.js ${version}`,
    detail: `wasm backend in Node, ${tf.env().get("WASM_HAS_SIMD_SUPPORT") ? "SIMD" : "no SIMD"}, ${
      tf.env().get("WASM_HAS_MULTITHREAD_SUPPORT") ? wasm.getThreadsCount() : 1
    } threads`,
    parameters: spec.parameterCount,
    openSeconds: (performance.now() - start) / 1000,
  },
  step,
  workload,
);
