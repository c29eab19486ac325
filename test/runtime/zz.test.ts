import { test } from "node:test";
import { createExecutor } from "../../src/runtime/executor.js";
import { Arena } from "../../src/runtime/arena.js";
import { applyUpdate } from "../../src/runtime/update.js";
import { TrainingCore } from "../../src/runtime/worker-core.js";
import { initialState, network, requests } from "./network.js";
test("bench", async () => {
  const core = await TrainingCore.create(network(), initialState());
  const list = Array.from({ length: 100 }, () => requests(0, 20)).flat();
  await core.run(list.slice(0, 500));
  let t = performance.now();
  await core.run(list);
  console.log("core us/step", (performance.now() - t) / 2);
  const ex = await createExecutor(network(), initialState());
  t = performance.now();
  await ex.run(list);
  console.log("worker us/step", (performance.now() - t) / 2);
  await ex.dispose();
  for (const [kind, moments] of [["sgd", 1], ["adam", 2]] as const) {
  const arena = new Arena({ parameters: [{ name: "a", size: 1280000, decay: true }], buffers: [], moments, accumulate: false });
  const rule = kind === "sgd" ? { kind, momentum: 0.9, nesterov: false, weightDecay: 0.01 } as const : { kind, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 } as const;
  const ts = [];
  for (let i = 0; i < 100; i++) { t = performance.now(); applyUpdate(arena, rule, { step: i + 1, lr: 0.1 }, 1); ts.push(performance.now() - t); }
  t = performance.now(); for (let i = 0; i < 20; i++) arena.kernels.sumOfSquares(arena.gradients.offset, arena.gradients.bytes);
  console.log(kind, ts.sort((a, b) => a - b)[50], "sumsq", (performance.now() - t) / 20);
  }
});
test("webgpu", async () => {
  const a = await TrainingCore.create(network({}, {device: "cpu"}), initialState());
  const ra = await a.run(requests(0, 5));
  const core = await TrainingCore.create(network({}, {device: "webgpu"}), initialState());
  const r = await core.run(requests(0, 5));
  console.log(r.losses, ra.losses);
});
