import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createBuilder } from "../../src/ops/registry.js";
import { openSession } from "../../src/runtime/session.js";
import { compileTraining } from "../../src/compile/compile.js";
import { tensor } from "../../src/graph/tensor.js";
import { TrainingCore } from "../../src/runtime/worker-core.js";
import { bytesOf } from "./network.js";
test("unused input", async () => {
  const b = createBuilder("u");
  const x = b.input("x", "float32", [2]);
  b.input("unused", "float32", []);
  b.output(b.op("Relu", [x]), "y");
  const s = await openSession(bytesOf(b.build()));
  console.log(s.inputs);
  await s.dispose();
});
test("compiled", async () => {
  const b = createBuilder("student");
  const x = b.input("x", "float32", [1, 4]);
  const w = b.initializer("w", tensor("float32", Array.from({ length: 20 }, (_, i) => Math.sin(i)), [4, 5]));
  const c = b.initializer("c", tensor("float32", [0.1, 0.2, 0, 0, 0], [5]));
  const v = b.initializer("v", tensor("float32", Array.from({ length: 15 }, (_, i) => Math.cos(i)), [5, 3]));
  const s = b.initializer("s", tensor("float32", [1,1,1,1,1]));
  const o = b.initializer("o", tensor("float32", [0,0,0,0,0]));
  const m = b.initializer("m", tensor("float32", [0,0,0,0,0]));
  const r = b.initializer("r", tensor("float32", [1,1,1,1,1]));
  const h0 = b.op("Add", [b.op("MatMul", [x, w]), c]);
  const h = b.op("Relu", [b.op("Add", [b.op("Mul", [b.op("Add", [h0, m]), s]), o])]);
  const d = h;
  b.output(b.op("MatMul", [d, v]), "logits");
  const graph = b.build();
  const compiled = compileTraining({
    model: { graph, input: "x", output: "logits", parameters: ["w", "c", "v", "s", "o"], buffers: ["m"], undecayed: new Set(["c"]) } as never,
    batch: 8, sampleShape: [4], sampleType: "float32", classes: 3,
    objective: { distillationLoss: { kind: "kd", temperature: 4 }, studentLoss: { kind: "cross-entropy" }, alpha: 0.5 } as never, teacherKind: "logits", verify: true,
  });
  console.log(compiled.step.batch, compiled.step.scalars, compiled.scalars, compiled.step.losses, compiled.step.masks, compiled.step.parameters.map(p => [p.name, p.decay]));
  const core = await TrainingCore.create({ ...compiled, rule: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 }, clipNorm: 1, accumulate: 2, seed: 1, device: "cpu", threads: 1 },
    { step: 0, parameters: new Map(["w", "c", "v", "s", "o"].map((n) => [n, graph.initializers.get(n)!.data as Float32Array])), buffers: new Map(["m"].map((n) => [n, graph.initializers.get(n)!.data as Float32Array])), moments: new Map() });
  const one = () => compiled.step.batch.map((i) => i.dtype === "int64" ? BigInt64Array.from({ length: 8 }, (_, k) => BigInt(k % 3)) : Float32Array.from({ length: i.shape.reduce((a, c) => a * c, 1) }, (_, k) => Math.sin(k * k)));
  const res = await core.run(Array.from({ length: 30 }, () => ({ micro: [one(), one()], scalars: compiled.scalars, lr: 0.05, diagnose: true })));
  console.log(res.losses.slice(0, 3), res.losses.slice(-3), res.done, res.diagnostics[0], core.snapshot().buffers);
  console.log(await core.evaluate(new Float32Array(8), 2));
});
