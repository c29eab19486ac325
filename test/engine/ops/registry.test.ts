/** An op that limbeck does not know, added from outside: a student's ONNX file that holds it learns. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { createBuilder, findOp, opOf } from "../../../src/engine/ops/registry.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import { Distiller, loadData, type Model, type OpDefinition, registerOp, saveModelFile } from "../../../src/index.js";
import { onnxRuntime } from "../objective/support.js";

/** d atan(x) / dx = 1 / (1 + x^2). */
const atan: OpDefinition = {
  op: "Atan",
  infer: ({ inputs: [x] }) => [{ dtype: x?.dtype ?? "float32", shape: x?.shape ?? [] }],
  gradient({ builder: b, inputs: [x], gradients: [g] }) {
    if (!x || !g) return [undefined];
    const one = b.constant(tensor(x.dtype, [1], []));
    return [b.op("Div", [g, b.op("Add", [b.op("Mul", [x, x]), one])])];
  },
};

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Pixels -> atan of a dense layer -> scores. */
async function studentFile(): Promise<string> {
  const wave = (size: number): number[] => Array.from({ length: size }, (_, i) => 0.2 * Math.sin(12.9898 * (i + 1)));
  const model: Model = {
    graph: {
      name: "student",
      inputs: [{ name: "image", dtype: "float32", shape: ["batch", 1, 8, 8] }],
      outputs: [{ name: "scores", dtype: "float32", shape: ["batch", 10] }],
      nodes: [
        { op: "Flatten", domain: "", name: "f", inputs: ["image"], outputs: ["flat"], attributes: {} },
        { op: "MatMul", domain: "", name: "a", inputs: ["flat", "first"], outputs: ["hidden"], attributes: {} },
        { op: "Atan", domain: "", name: "b", inputs: ["hidden"], outputs: ["bent"], attributes: {} },
        { op: "MatMul", domain: "", name: "c", inputs: ["bent", "second"], outputs: ["scores"], attributes: {} },
      ],
      initializers: new Map([
        ["first", tensor("float32", wave(64 * 16), [64, 16])],
        ["second", tensor("float32", wave(16 * 10), [16, 10])],
      ]),
    },
    opsets: { "": 17 },
    irVersion: 8,
    metadata: {},
  };
  const path = join(folder, "student.onnx");
  await saveModelFile(model, path);
  return path;
}

test("an op added from outside has its gradient in the graph, and is gone when it is taken away", async () => {
  assert.equal(findOp("Atan"), undefined);
  const remove = registerOp(atan);
  const b = createBuilder("atan");
  const x = b.input("x", "float32", [3]);
  const y = b.op("Atan", [x]);
  const [gradient] = backward(
    b,
    (call) => opOf(call).gradient,
    b.op("ReduceSum", [y], { keepdims: { kind: "int", value: 0 } }),
    [x],
  );
  b.output(gradient ?? x, "gradient");
  const at = [-2, 0.5, 3];
  const outputs = await onnxRuntime(b.build(), new Map([["x", tensor("float32", at, [3])]]));
  Array.from(outputs.get("gradient")?.data ?? [], Number).forEach((g, i) => {
    assert.ok(Math.abs(g - 1 / (1 + (at[i] as number) ** 2)) < 1e-6, `${g} at ${at[i]}`);
  });
  assert.throws(() => registerOp(atan), { code: "option-conflict", where: 'op "Atan"' });
  assert.throws(() => registerOp({ ...atan, op: "Relu" }), { code: "option-conflict", where: 'op "Relu"' });
  remove();
  assert.equal(findOp("Atan"), undefined);
});

test("a student's ONNX file with an unknown op is refused, and learns once the op is added", async () => {
  const data = await loadData({ source: "digits" });
  const student = { kind: "onnx" as const, file: await studentFile() };
  const learn = async (): Promise<number> => {
    const distiller = new Distiller({ teacher: "nobody asks it", student, threads: 1 });
    distiller.compile({ alpha: 0, learningRate: 0.02 });
    try {
      await distiller.fit(data, { epochs: 20 });
      return (await distiller.evaluate(data)).accuracy ?? 0;
    } finally {
      await distiller.dispose();
    }
  };
  await assert.rejects(learn(), { name: "InputError", code: "model-unsupported", found: /the op Atan/ });
  const remove = registerOp(atan);
  try {
    const accuracy = await learn();
    assert.ok(accuracy > 0.8, `accuracy ${accuracy}`);
  } finally {
    remove();
  }
});
