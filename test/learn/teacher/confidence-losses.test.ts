/** CA-MKD on losses: every teacher's loss weighed sample by sample, against PyTorch and through the training step. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { TEACHER, TEACHER_WEIGHTS } from "../../../src/engine/compile/step.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { int64s, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import { distill, loadData, type RecipeInput } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import {
  buildObjective,
  type CustomLossConfig,
  checkSampleWeights,
  type ObjectiveConfig,
} from "../../../src/engine/objective/objective.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { callStep } from "../../../src/app/doctor/compiled-step.js";
import type { StoredMember } from "../../../src/learn/teacher/group/group.js";
import { memberOutputs } from "../../../src/learn/teacher/group/member-outputs.js";
import { BatchMaker, planBatches } from "../../../src/learn/train/batches.js";
import type { TrainingTask } from "../../../src/learn/train/types.js";
import { CE, matrix, reference, softmax } from "../../engine/objective/support.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-confidence-"));
after(() => rmSync(folder, { recursive: true, force: true }));

type Kind = "logits" | "probabilities";
interface Fixture {
  readonly studentLogits: number[][];
  readonly labels: number[];
  readonly usable: boolean[];
  readonly weights: number[][];
  readonly cases: {
    config: ObjectiveConfig;
    kinds: Kind[];
    teachers: number[][][];
    loss: number;
    gradient: number[][];
  }[];
}
const fixture = JSON.parse(readFileSync("test/fixtures/objective/camkd.json", "utf8")) as Fixture;

const close = (a: number | undefined, b: number | undefined, tolerance: number, what: string): void =>
  assert.ok(
    Math.abs((a as number) - (b as number)) <= tolerance * Math.max(1, Math.abs(b as number)),
    `${what}: ${a}, expected ${b}`,
  );

test("value and gradient of every loss that is a mean over samples are PyTorch's in float64", async () => {
  const { studentLogits, labels, weights } = fixture;
  const [batch, classes] = [5, 4];
  const rows = (m: readonly (readonly number[])[], width: number) => tensor("float64", m.flat(), [batch, width]);
  for (const { config, kinds, teachers, loss, gradient } of fixture.cases) {
    const name = JSON.stringify(config.distillationLoss);
    const b = createBuilder("weighed");
    const input = (id: string, width: number): Value => b.input(id, "float64", [batch, width]);
    const student = input("student", classes);
    const members = kinds.map((kind, k) => ({
      kind,
      values: input(`teacher ${k}`, classes),
      weight: input(`weight ${k}`, 1),
    }));
    const built = buildObjective(
      {
        builder: b,
        studentLogits: student,
        teacher: { ...(members[0] as (typeof members)[number]), members },
        labels: b.input("labels", "int64", [batch]),
        scalar: (id) => b.input(id, "float64", []),
        features: () => [],
        parameter: () => assert.fail("no parameters"),
      },
      config,
    );
    const [own] = backward(b, (call) => opOf(call).gradient, built.total, [student]);
    b.output(built.total, "loss");
    b.output(own as Value, "gradient");
    const found = await reference(
      b.build(),
      new Map([
        ["student", rows(studentLogits, classes)],
        ["labels", int64s(labels)],
        ...teachers.map((t, k) => [`teacher ${k}`, rows(t, classes)] as const),
        ...teachers.map(
          (_, k) =>
            [
              `weight ${k}`,
              rows(
                weights.map((w) => [w[k] as number]),
                1,
              ),
            ] as const,
        ),
        ...built.scalars.map((s) => [s.name, scalar(s.initial, "float64")] as const),
      ]),
    );
    close(found.get("loss")?.data[0] as number, loss, 1e-10, name);
    const values = Array.from(found.get("gradient")?.data ?? [], Number);
    assert.equal(values.length, batch * classes);
    for (const [i, v] of gradient.flat().entries()) close(values[i], v, 1e-10, `${name}, gradient ${i}`);
  }
  const seen = new Set<string | undefined>(fixture.cases.map((c) => c.config.distillationLoss?.kind));
  for (const { kind, perSample = false } of lossesAgainst("answers")) assert.equal(seen.has(kind), perSample, kind);
});

/** Members that answer sample s with row s of these matrices. */
const stored = (kinds: readonly Kind[], teachers: readonly (readonly (readonly number[])[])[]): StoredMember[] =>
  teachers.map((rows, k) => ({
    kind: kinds[k] as Kind,
    gather: (indices, out) => {
      for (const [i, s] of indices.entries()) out.set(rows[s] as number[], i * (rows[s] as number[]).length);
    },
  }));

test("the weights of a batch are the paper's, by the labels that may be used", () => {
  const { labels, usable, weights } = fixture;
  const { kinds, teachers } = fixture.cases[0] as Fixture["cases"][number];
  const known = labels.map((l, i) => (usable[i] ? l : -1));
  const { weigh } = memberOutputs("mean-losses", stored(kinds, teachers), [0.5, 0.25, 0.25], known, 4);
  const order = Uint32Array.from([3, 1, 4, 0, 2]);
  const out = new Float32Array(15);
  weigh?.(order, out);
  for (const [i, s] of order.entries())
    for (let k = 0; k < 3; k++) close(out[3 * i + k], weights[s]?.[k], 1e-6, `sample ${s}, teacher ${k}`);
  assert.equal(memberOutputs("mean-losses", stored(kinds, teachers), [1], null, 4).weigh, undefined);
});

test("the training step's gradient is T sum_k w_k (p_s - p_k) over the batch, with a scheduled T too", async () => {
  const { data, splits } = await loadData({ source: "digits" });
  const [classes, batch, T, steps] = [10, 8, 3, 40];
  const teachers = [matrix(data.size, classes, 1), matrix(data.size, classes, 4), matrix(data.size, classes, 8)];
  const kinds = ["logits", "logits", "logits"] as const;
  const labels = Int32Array.from(data.labels as Int32Array, (l, i) => (i % 3 === 0 ? -1 : l));
  const model = trainableModel(buildModel({ kind: "mlp", hidden: [4] }, { inputShape: [1, 8, 8], classes, seed: 0 }));
  const graph = withNormalisation(
    model.graph,
    model.inputs[0] as string,
    { scale: 1 / 16, mean: [0], std: [1] },
    "uint8",
  );
  const schedule = { kind: "linear", from: 1, to: 2 } as const;
  const objective = {
    alpha: 1,
    studentLoss: CE,
    distillationLoss: { kind: "kd", temperature: T, temperatureSchedule: schedule },
  } as const;
  const compiled = compileTraining({
    ...{
      model: { ...model, graph },
      batch,
      inputs: [{ shape: [1, 8, 8], dtype: "uint8" as const }],
      classes,
      objective,
    },
    ...{ teacherKind: "logits", teachersWeighed: true, teacherMembers: kinds.map((kind) => ({ kind, weight: 1 / 3 })) },
  });
  const settings = {
    ...{ batch, steps, rule: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 } },
    ...{ schedule: { kind: "constant", lr: 0.1 }, clipNorm: 0, accumulate: 1, seed: 3, augmentation: null },
    ...{ select: "last", patience: null, validateEvery: null, diagnoseEvery: 0, threads: 1, device: "cpu" },
  } as unknown as TrainingTask["settings"];
  const each = memberOutputs("mean-losses", stored(kinds, teachers), [1 / 3, 1 / 3, 1 / 3], labels, classes);
  const task: TrainingTask = {
    ...{ name: "weighed", model, data, train: splits.train, validation: splits.validation, objective, settings },
    teacher: { kind: "probabilities", gather: () => assert.fail("the mean is for scores"), ...each },
    ...{ directory: null, fingerprint: "" },
  };
  const maker = new BatchMaker(task, compiled, planBatches(splits.train.length, batch, 1));
  const step = 20;
  const { micro, scalars } = await maker.request(step);
  const inputs = new Map(compiled.step.batch.map(({ name }, i) => [name, micro[0]?.[i] as Float32Array]));
  // The samples of the batch are known by the first teacher's rows.
  const rows = inputs.get(TEACHER) as Float32Array;
  const indices = Uint32Array.from(
    { length: batch },
    (_, i) => splits.train.find((s) => Math.fround(teachers[0]?.[s]?.[0] as number) === rows[i * 30]) as number,
  );
  assert.ok(indices.some((s) => (labels[s] as number) < 0) && indices.some((s) => (labels[s] as number) >= 0));
  const at = T * (1 + step / (steps - 1));
  close(scalars[compiled.step.scalars.findIndex((s) => s.endsWith("temperature"))], at, 1e-6, "temperature");
  const outputs = await callStep(compiled.step.graph, {
    ...{ compiled, model: { ...model, graph }, data, indices },
    inputs: new Map([TEACHER, TEACHER_WEIGHTS].map((name) => [name, inputs.get(name) as Float32Array])),
    scalars: { temperature: at },
  });
  const bias = compiled.step.parameters.find((p) => p.shape.length === 1 && p.shape[0] === classes);
  const found = outputs.get(bias?.gradient ?? "") as Float32Array;
  const student = logitsOf(model, data.samples as Uint8Array, indices);
  const expected = Array<number>(classes).fill(0);
  for (const [i, s] of indices.entries()) {
    const own = teachers.map((t) => t[s] as number[]);
    const label = labels[s] as number;
    const shares = softmax(own.map((z) => -Math.log(softmax(z)[label] ?? 1)));
    const weights = label < 0 ? [1 / 3, 1 / 3, 1 / 3] : shares.map((v) => (1 - v) / 2);
    const p = softmax(student[i] as number[], at);
    for (let c = 0; c < classes; c++)
      for (const [k, z] of own.entries())
        expected[c] =
          (expected[c] as number) +
          ((weights[k] as number) * at * ((p[c] as number) - (softmax(z, at)[c] as number))) / batch;
  }
  for (const [c, v] of expected.entries()) close(found[c], v, 1e-5, `class ${c}`);
});

/** Logits of the two dense layers with ReLU between them, by hand, of digits / 16. */
function logitsOf(
  { graph, parameters }: ReturnType<typeof trainableModel>,
  samples: Uint8Array,
  indices: Uint32Array,
): number[][] {
  const arrays = parameters.map((name) => graph.initializers.get(name));
  const layers = [0, 2].map((i) =>
    [arrays[i], arrays[i + 1]].sort((a, b) => (b?.shape.length ?? 0) - (a?.shape.length ?? 0)),
  );
  return Array.from(indices, (s) => {
    let x = Array.from(samples.subarray(64 * s, 64 * s + 64), (v) => v / 16);
    for (const [n, [weight, bias]] of layers.entries()) {
      const w = weight?.data as Float32Array;
      const [rows = 0, columns = 0] = weight?.shape ?? [];
      const out = bias?.data as Float32Array;
      // Dense weights are [out, in] or [in, out], by their shape.
      const flipped = rows === out.length && columns === x.length;
      x = Array.from(out, (v, o) =>
        x.reduce((a, xi, i) => a + xi * (w[flipped ? o * columns + i : i * columns + o] as number), v),
      );
      if (n === 0) x = x.map((v) => Math.max(0, v));
    }
    return x;
  });
}

const member = { model: { kind: "mlp", hidden: [24] }, training: { epochs: 3, batch: 32 } } as const;
const recipe = (teacher: object, loss: object = { kind: "kd", temperature: 1 }): RecipeInput =>
  ({
    name: "confidence",
    seeds: 1,
    data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
    teacher: { group: [member, member], ...teacher },
    student: { kind: "mlp", hidden: [10] },
    training: {
      steps: 60,
      batch: 32,
      schedule: { kind: "constant", lr: 0.01 },
      optimizer: { kind: "sgd", momentum: 0 },
    },
    objective: { alpha: 1, distillation_loss: loss },
    baseline: false,
    evaluation: { latency_runs: 5 },
  }) as RecipeInput;

test("from a recipe: at T 1 weighing losses is weighing answers, and at T 4 it is not", async () => {
  const weightsOf = async (name: string, teacher: object, loss?: object): Promise<Float32Array> => {
    const out = join(folder, name);
    const result = await distill(recipe(teacher, loss), { out, threads: 1 });
    const { loadModelFile } = await import("../../../src/index.js");
    const { graph } = loadModelFile(result.student).model;
    return Float32Array.from(
      [...graph.initializers.values()].flatMap((t) => Array.from(t.data as Float32Array, Number)),
    );
  };
  const apart = (a: Float32Array, b: Float32Array): number =>
    Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))));
  const confidence = { weights: "confidence" };
  const losses = { ...confidence, combine: "mean-losses" };
  const one = await weightsOf("losses", losses);
  assert.ok(apart(one, await weightsOf("answers", confidence)) < 1e-5);
  assert.ok(apart(one, await weightsOf("fixed", { combine: "mean-losses" })) > 1e-4, "the weights count");
  const soft = { kind: "kd", temperature: 4 };
  assert.ok(apart(await weightsOf("losses 4", losses, soft), await weightsOf("answers 4", confidence, soft)) > 1e-4);
});

test("a loss that is no mean over samples is refused before anything is trained", async () => {
  const dist = { kind: "dist" };
  await assert.rejects(
    distill(recipe({ weights: "confidence", combine: "mean-losses" }, dist), { out: join(folder, "no"), threads: 1 }),
    { name: "InputError", code: "option-conflict", where: "objective", found: /"dist"/, expected: /kd, dkd/ },
  );
  const config: ObjectiveConfig = {
    ...{ alpha: 1, studentLoss: CE, distillationLoss: { kind: "kd", temperature: 2 } },
    terms: [
      {
        kind: "custom",
        definition: { name: "own", needs: { teacher: true, labels: false }, build: () => assert.fail() },
      },
    ],
  };
  assert.throws(() => checkSampleWeights(config), { code: "option-conflict", found: /"own"/ });
  checkSampleWeights({ studentLoss: CE });
  const own = config.terms?.[0] as CustomLossConfig;
  checkSampleWeights({ ...config, terms: [{ ...own, definition: { ...own.definition, perSample: true } }] });
});
