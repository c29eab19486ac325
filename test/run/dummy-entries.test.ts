/** Entries of every registry, added from outside of src/, in one recipe. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  distill,
  int,
  type LossEntry,
  type Model,
  type OpDefinition,
  type RecipeInput,
  registerLoss,
  registerOp,
  saveModelFile,
  tensor,
  z,
} from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const added: (() => void)[] = [];
after(() => {
  for (const remove of added) remove();
});

const lossSchema = z.strictObject({
  kind: z.literal("dummy-loss").describe("Mean squared difference of logits, times a factor"),
  dummyFactor: z.number().positive().default(0.5).describe("What the mean is multiplied by"),
});
const loss: LossEntry<typeof lossSchema> = {
  kind: "dummy-loss",
  against: "answers",
  schema: lossSchema,
  needs: { teacher: true, labels: false },
  build({ builder: b, studentLogits, teacher }, { dummyFactor }) {
    const gap = b.op("Sub", [studentLogits, teacher?.values ?? studentLogits]);
    const mean = b.op("ReduceMean", [b.op("Mul", [gap, gap])], { keepdims: int(0) });
    return b.op("Mul", [mean, b.constant(tensor(mean.dtype, [dummyFactor], []))]);
  },
};
added.push(registerLoss(loss));

/** y = atan(x), dy/dx = 1 / (1 + x^2). */
const op: OpDefinition = {
  op: "Atan",
  infer: ({ inputs: [x] }) => [{ dtype: x?.dtype ?? "float32", shape: x?.shape ?? [] }],
  gradient({ builder: b, inputs: [x], gradients: [g] }) {
    if (!x || !g) return [undefined];
    const one = b.constant(tensor(x.dtype, [1], []));
    return [b.op("Div", [g, b.op("Add", [b.op("Mul", [x, x]), one])])];
  },
};
added.push(registerOp(op));

/** A student's file that holds the op: pixels -> atan of a dense layer -> scores. */
async function studentFile(): Promise<string> {
  const wave = (size: number): number[] => Array.from({ length: size }, (_, i) => 0.2 * Math.sin(12.9898 * (i + 1)));
  const node = (op: string, inputs: string[], output: string): Model["graph"]["nodes"][number] => ({
    ...{ op, domain: "", name: output, inputs, outputs: [output], attributes: {} },
  });
  const model: Model = {
    graph: {
      name: "student",
      inputs: [{ name: "image", dtype: "float32", shape: ["batch", 1, 8, 8] }],
      outputs: [{ name: "scores", dtype: "float32", shape: ["batch", 10] }],
      nodes: [
        node("Flatten", ["image"], "flat"),
        node("MatMul", ["flat", "first"], "hidden"),
        node("Atan", ["hidden"], "bent"),
        node("MatMul", ["bent", "second"], "scores"),
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

test("a recipe of entries that were added from outside runs to a summary, and its copy names them", async () => {
  const recipe = {
    name: "dummies",
    data: { source: "digits" },
    teacher: { model: { kind: "mlp", hidden: [32] }, training: { epochs: 10 } },
    student: { kind: "onnx", file: await studentFile() },
    training: { epochs: 10, schedule: { kind: "one-cycle", lr: 0.01 } },
    objective: { alpha: 0.5, distillation_loss: { kind: "dummy-loss", dummy_factor: 0.25 } },
  };
  // The types know limbeck's own entries.
  const out = join(folder, "run");
  const { summary } = await distill(recipe as unknown as RecipeInput, { out });
  const rows = Object.fromEntries(summary.models.map((row) => [row.role, row.accuracy?.mean ?? 0]));
  assert.ok((rows.student ?? 0) > 0.7, `student ${rows.student}`);
  assert.match(readFileSync(join(out, "recipe.yaml"), "utf8"), /kind: dummy-loss\n +dummy_factor: 0\.25\n/);
});
