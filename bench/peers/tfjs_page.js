// TensorFlow.js's side of a page; `tf` is the script's global. Answers as limbeck's page does.
import { trainingStep } from "./tfjs_training.js";

export async function openTfjs(at, backend, threads) {
  const { tf } = globalThis;
  const start = performance.now();
  const buffer = async (name) => (await fetch(`${at}/${name}`)).arrayBuffer();
  const spec = await (await fetch(`${at}/workload.json`)).json();
  if (backend === "wasm") {
    tf.wasm.setWasmPaths("/peers/@tensorflow/tfjs-backend-wasm/wasm-out/");
    tf.wasm.setThreadsCount(threads);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js cannot start its ${backend} backend here`);
  await tf.ready();
  const weights = new Float32Array(await buffer("weights.f32"));
  const order = new Int32Array(await buffer("order.i32"));
  const batches = Array.from({ length: order.length / spec.batch }, (_, i) =>
    order.subarray(i * spec.batch, (i + 1) * spec.batch),
  );
  const step = trainingStep(tf, {
    spec,
    parameters: spec.parameters.map(({ shape, offset }) => {
      const size = shape.reduce((product, d) => product * d, 1);
      return { shape, values: weights.slice(offset, offset + size) };
    }),
    samples: new Float32Array(await buffer("samples.f32")),
    labels: new Int32Array(await buffer("labels.i32")),
    teacher: new Float32Array(await buffer("teacher.f32")),
  });
  let done = 0;
  const next = () => step(batches[done++ % batches.length]);
  // It may take fewer than it is asked for.
  const used = backend === "wasm" && tf.env().get("WASM_HAS_MULTITHREAD_SUPPORT") ? tf.wasm.getThreadsCount() : 1;
  return {
    detail: `TensorFlow.js ${tf.version.tfjs}, ${backend} backend${backend === "wasm" ? `, ${used} of ${threads} threads asked for` : ""}`,
    parameters: spec.parameterCount,
    openSeconds: (performance.now() - start) / 1000,
    async losses() {
      const losses = [];
      while (losses.length < spec.comparedSteps) losses.push(await next());
      return { losses };
    },
    async run(seconds) {
      const [began, first] = [performance.now(), done];
      let [loss, elapsed] = [Number.NaN, 0];
      while (elapsed < seconds) {
        loss = await next();
        elapsed = (performance.now() - began) / 1000;
      }
      return { steps: done - first, seconds: elapsed, loss };
    },
  };
}
