// TensorFlow.js's runner of a dense workload, wasm backend: node tfjs_runner.js <folder> <threads>
import { createRequire } from "node:module";
import { readWorkload, serve } from "./common.js";
import { trainingStep } from "./tfjs_training.js";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");

const [folder, threads] = process.argv.slice(2);
const start = performance.now();
wasm.setThreadsCount(Number(threads));
await tf.setBackend("wasm");
await tf.ready();
const workload = readWorkload(folder);
const step = trainingStep(tf, workload);
const { version } = require("@tensorflow/tfjs/package.json");
await serve(
  {
    version: `TensorFlow.js ${version}`,
    detail: `wasm backend in Node, ${tf.env().get("WASM_HAS_SIMD_SUPPORT") ? "SIMD" : "no SIMD"}, ${
      tf.env().get("WASM_HAS_MULTITHREAD_SUPPORT") ? wasm.getThreadsCount() : 1
    } threads`,
    parameters: workload.spec.parameterCount,
    openSeconds: (performance.now() - start) / 1000,
  },
  step,
  workload,
);
