/** Entries of every registry, added from outside of src/, in one recipe. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type BuiltModelEntry,
  distill,
  type FinishedHop,
  functionTeacher,
  type Hop,
  int,
  layers,
  type LossEntry,
  type Model,
  type OpDefinition,
  type RecipeInput,
  registerLoss,
  registerModel,
  registerOp,
  registerSource,
  registerStrategy,
  registerTeacher,
  saveModelFile,
  type SourceEntry,
  type StrategyEntry,
  type TeacherEntry,
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

const sourceSchema = z.strictObject({
  source: z.literal("dummy-source").describe("Ten waves in noise, as images of 8x8"),
  sampleCount: z.number().int().min(100).default(600).describe("Images"),
});
const source: SourceEntry<typeof sourceSchema> = {
  kind: "dummy-source",
  schema: sourceSchema,
  read({ sampleCount }) {
    const noise = (n: number): number => (((Math.sin(n) * 43758.5453) % 1) + 1) % 1;
    const pixel = (i: number, p: number): number => Math.sin(((i % 10) + 1) * (p + 1) * 0.7) + noise(i * 64 + p + 1);
    return {
      name: "waves",
      sampleShape: [1, 8, 8],
      train: {
        samples: Float32Array.from({ length: sampleCount * 64 }, (_, k) => pixel(Math.floor(k / 64), k % 64)),
        labels: Array.from({ length: sampleCount }, (_, i) => `wave ${i % 10}`),
      },
      test: null,
      defaultNormalise: "none",
      unit: 1,
    };
  },
};
added.push(registerSource(source));

const modelSchema = z.strictObject({
  kind: z.literal("dummy-model").describe("A dense layer between tanh and the classes"),
  innerUnits: z.number().int().min(1).default(24).describe("Units of the layer"),
});
const model: BuiltModelEntry<typeof modelSchema> = {
  kind: "dummy-model",
  schema: modelSchema,
  build(scope, input, classes, { innerUnits }) {
    const inner = scope.within("inner", () => layers.dense(scope, layers.flatten(scope, input), innerUnits));
    return scope.within("classifier", () => layers.dense(scope, scope.builder.op("Tanh", [inner]), classes));
  },
};
added.push(registerModel(model));

/** It is told the labels, and says them with this logit. */
const teacher: TeacherEntry<{ readonly dummySureness: number }> = {
  kind: "dummy-teacher",
  mark: "dummySureness",
  schema: () => z.strictObject({ dummySureness: z.number().positive().describe("Logit of the right class") }),
  async open({ dummySureness }, { loaded: { data } }) {
    const classes = data.classes.length;
    const rows = (labels: readonly number[]): number[][] =>
      labels.map((label) => Array.from({ length: classes }, (_, c) => (c === label ? dummySureness : 0)));
    return functionTeacher({
      name: "dummy-teacher",
      classes,
      answers: "logits",
      ask: ({ indices }) => rows(Array.from(indices, (i) => data.labels?.[i] ?? 0)),
    });
  },
};
added.push(registerTeacher(teacher));

/** The recipe as it is, then once more with another alpha. */
const strategy: StrategyEntry<{ readonly dummyAlpha: number }> = {
  kind: "dummy-strategy",
  schema: () =>
    z.strictObject({
      kind: z.literal("dummy-strategy").describe("The same student twice"),
      dummyAlpha: z.number().describe("The second alpha"),
    }),
  asksTeacher: () => true,
  planHops(plan, { dummyAlpha }) {
    const hop = (title: string, alpha = plan.objective.alpha): Hop => ({
      ...{ title, folder: title, command: "distill", teacher: "teacher", ownTeacher: true },
      plan: { ...plan, strategy: { kind: "one-shot" }, objective: { ...plan.objective, alpha } },
    });
    return {
      hops: [hop("first"), hop("second", dummyAlpha)],
      pairs: [{ title: "", student: "second", against: "own baseline" }],
      deliver: (done) => ({ hop: done[1] as FinishedHop, reason: "it is the second" }),
    };
  },
};
added.push(registerStrategy(strategy));

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

const recipe = async (changes: object): Promise<RecipeInput> =>
  ({
    name: "dummies",
    data: { source: "dummy-source", sample_count: 800 },
    student: { kind: "onnx", file: await studentFile() },
    training: { epochs: 10, schedule: { kind: "one-cycle", lr: 0.01 } },
    objective: { alpha: 0.5, distillation_loss: { kind: "dummy-loss", dummy_factor: 0.25 } },
    // The types know limbeck's own entries.
    ...changes,
  }) as unknown as RecipeInput;

test("a recipe of entries that were added from outside runs to a summary, and its copy names them", async () => {
  const teacher = { model: { kind: "dummy-model", inner_units: 20 }, training: { epochs: 10 } };
  const out = join(folder, "run");
  const { summary } = await distill(await recipe({ teacher }), { out });
  const rows = Object.fromEntries(summary.models.map((row) => [row.role, row.accuracy?.mean ?? 0]));
  assert.ok((rows.student ?? 0) > 0.7, `student ${rows.student}`);
  // 64 pixels to 20 units, 20 units to 10 classes, with biases.
  assert.equal(summary.models.find((row) => row.role === "teacher")?.parameters, 64 * 20 + 20 + 20 * 10 + 10);
  assert.match(summary.data.name, /^waves/);
  const written = readFileSync(join(out, "recipe.yaml"), "utf8");
  assert.match(written, /source: dummy-source\n +sample_count: 800\n/);
  assert.match(written, /kind: dummy-model\n +inner_units: 20\n/);
  assert.match(written, /kind: dummy-loss\n +dummy_factor: 0\.25\n/);
});

test("with a teacher and a strategy that were added too, every hop runs and the summary is over all", async () => {
  const out = join(folder, "hops");
  const strategy = { kind: "dummy-strategy", dummy_alpha: 1 };
  const { summary } = await distill(await recipe({ teacher: { dummy_sureness: 5 }, strategy }), { out });
  assert.equal(summary.strategy?.kind, "dummy-strategy");
  assert.deepEqual(summary.strategy?.delivered, { hop: "second", reason: "it is the second" });
  const accuracy = (id: string): number => summary.models.find((row) => row.id === id)?.accuracy?.mean ?? 0;
  assert.equal(accuracy("teacher"), 1);
  for (const hop of ["first", "second"]) assert.ok(accuracy(hop) > 0.7, `${hop}: ${accuracy(hop)}`);
  const written = readFileSync(join(out, "recipe.yaml"), "utf8");
  assert.match(written, /^teacher:\n {2}dummy_sureness: 5$/m);
  assert.match(written, /kind: dummy-strategy\n +dummy_alpha: 1\n/);
});
