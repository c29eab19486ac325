/** Losses over weighted and masked rows against PyTorch in float64 (test/fixtures/objective/row-weights.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { int64s, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import {
  type EvaluatedObjective,
  evaluateObjective,
  type ObjectiveValues,
  objectiveGraph,
} from "../../../src/engine/objective/evaluate.js";
import { buildObjective, checkRowWeights, type ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { evaluateObjective as evaluatePublic } from "../../../src/index.js";
import { CE, evaluate, kdAt, matrix, onnxRuntime, reference } from "./support.js";

interface Case {
  readonly name: string;
  readonly config: ObjectiveConfig;
  readonly rowWeights: number[];
  readonly teacherLogits?: number[][];
  readonly teacherProbabilities?: number[][];
  /** Taught by both teachers of the fixture, by its shares. */
  readonly group?: true;
  readonly loss: number;
  readonly gradient: number[][];
}
interface Fixture {
  readonly studentLogits: number[][];
  readonly labels: number[];
  readonly teachers: [number[][], number[][]];
  readonly shares: number[];
  readonly cases: Case[];
}
const fixture = JSON.parse(readFileSync("test/fixtures/objective/row-weights.json", "utf8")) as Fixture;
const { studentLogits, labels } = fixture;
const single = fixture.cases.filter((c) => !c.group);

const valuesOf = ({ teacherLogits, teacherProbabilities }: Case): ObjectiveValues => ({
  studentLogits,
  labels,
  ...(teacherLogits && { teacherLogits }),
  ...(teacherProbabilities && { teacherProbabilities }),
});

for (const [name, run] of Object.entries({ "the reference evaluator": reference, "ONNX Runtime": onnxRuntime })) {
  test(`every case has PyTorch's loss and gradient in float64, by ${name}`, async () => {
    for (const c of single) {
      const { rowWeights } = c;
      same(await evaluateObjective(run, c.config, { ...valuesOf(c), rowWeights }), c, 1e-11, c.name);
    }
  });
}

test("a teacher's weight of a row multiplies the numerator only", async () => {
  for (const c of fixture.cases) if (c.group) same(await evaluateGroup(c), c, 1e-11, c.name);
});

test("every loss that is weighted has a case, and every built-in loss says what becomes of its rows", () => {
  const seen = new Set(single.flatMap(({ config }) => [config.studentLoss.kind, config.distillationLoss?.kind]));
  const kinds: ReadonlySet<string | undefined> = seen;
  for (const { kind, rows, perSample } of lossesAgainst("labels", "answers", "layers", "peers")) {
    assert.ok(rows, kind);
    if (perSample) assert.equal(rows, "weighted", kind);
    // mutual: properties below.
    if (rows === "weighted" && kind !== "mutual") assert.ok(kinds.has(kind), kind);
  }
});

test("equal weights, whatever their size, are no weights", async () => {
  for (const c of single) {
    const plain = await evaluate(c.config, valuesOf(c));
    for (const w of [1, 0.25, 40]) {
      const rowWeights = Array(labels.length).fill(w);
      same(await evaluate(c.config, { ...valuesOf(c), rowWeights }), plain, 1e-11, `${c.name}, ${w}`);
    }
  }
});

test("more masked rows give the same loss and gradients, whatever they hold", async () => {
  const more = 5;
  for (const [i, c] of single.entries()) {
    const { teacherLogits: zt, teacherProbabilities: pt } = c;
    const even = Array.from({ length: more }, () => Array(4).fill(0.25));
    const { loss, gradient } = await evaluate(c.config, {
      studentLogits: [...studentLogits, ...matrix(more, 4, i, 20)],
      labels: [...labels, 0, 1, 2, 3, 0],
      ...(zt && { teacherLogits: [...zt, ...matrix(more, 4, i + 50, 20)] }),
      ...(pt && { teacherProbabilities: [...pt, ...even] }),
      rowWeights: [...c.rowWeights, ...Array(more).fill(0)],
    });
    same({ loss, gradient: gradient.slice(0, labels.length) }, c, 1e-11, c.name);
    assert.ok(
      gradient
        .slice(labels.length)
        .flat()
        .every((g) => g === 0),
      `${c.name}: masked rows have no gradient`,
    );
  }
});

test("a row of weight 2 counts as the row twice, and students that learn together are weighted alike", async () => {
  const config: ObjectiveConfig = {
    alpha: 0.5,
    studentLoss: CE,
    distillationLoss: { kind: "mutual", temperature: 2 },
    peers: 2,
  };
  const z = matrix(3, 8, 4);
  const [first, second, third] = z as [number[], number[], number[]];
  const weighted = await evaluatePublic(config, { studentLogits: z, labels: [0, 1, 2], rowWeights: [2, 0, 1] });
  const twice = await evaluatePublic(config, { studentLogits: [first, first, third], labels: [0, 0, 2] });
  assert.ok(Math.abs(weighted.loss - twice.loss) < 1e-12);
  first.forEach((_, k) => {
    const sum = (twice.gradient[0]?.[k] as number) + (twice.gradient[1]?.[k] as number);
    assert.ok(Math.abs((weighted.gradient[0]?.[k] as number) - sum) < 1e-12);
  });
  assert.deepEqual(
    weighted.gradient[1],
    second.map(() => 0),
  );
});

test("where no row counts, loss and gradient are 0, in float32 and under large factors too", async () => {
  const none = labels.map(() => 0);
  for (const c of single) {
    const { loss, gradient } = await evaluate(c.config, { ...valuesOf(c), rowWeights: none });
    assert.equal(Math.abs(loss), 0, c.name);
    assert.ok(
      gradient.flat().every((g) => g === 0),
      c.name,
    );
    const kind = c.teacherProbabilities ? "probabilities" : "logits";
    const { graph, scalars } = objectiveGraph(c.config, labels.length, 4, kind, "float32", "weighted");
    const rows = (m: number[][]) => tensor("float32", m.flat(), [labels.length, m[0]?.length ?? 0]);
    const given = new Map([
      ["student_logits", rows(studentLogits)],
      ["teacher", rows(c.teacherLogits ?? c.teacherProbabilities ?? studentLogits)],
      ["labels", int64s(labels)],
      ["row_weights", rows(none.map((w) => [w]))],
      ...scalars.map((s) => [s.name, scalar(s.name.endsWith("/weight") ? 1000 : s.initial)] as const),
    ]);
    const feeds = new Map(graph.inputs.map(({ name }) => [name, given.get(name) ?? assert.fail(name)]));
    const outputs = await onnxRuntime(graph, feeds);
    const all = ["loss", "gradient"].flatMap((name) => Array.from(outputs.get(name)?.data ?? [], Number));
    assert.equal(all.length, 1 + 4 * labels.length);
    assert.ok(
      all.every((v) => Math.abs(v) === 0),
      `${c.name}: ${all}`,
    );
  }
});

test("rows whose labels have class weight 0 alone give 0, with smoothing too", async () => {
  const config: ObjectiveConfig = { studentLoss: { ...CE, labelSmoothing: 0.2, classWeights: [0, 1, 2, 3] } };
  const values = { studentLogits: studentLogits.slice(0, 2), labels: [0, 1], rowWeights: [1, 0] };
  const { loss, gradient } = await evaluate(config, values);
  assert.equal(Math.abs(loss), 0);
  assert.ok(gradient.flat().every((g) => g === 0));
});

test("a batch of nothing but class weight 0 gives 0 without row weights too: in float32, with smoothing, under a large weight", async () => {
  const config: ObjectiveConfig = { studentLoss: { ...CE, labelSmoothing: 0.2, classWeights: [0, 1, 2, 3] } };
  const { graph, scalars } = objectiveGraph(config, 2, 4, "logits", "float32");
  const given = new Map([
    ["student_logits", tensor("float32", studentLogits.slice(0, 2).flat(), [2, 4])],
    ["labels", int64s([0, 0])],
    ...scalars.map((s) => [s.name, scalar(s.name.endsWith("/weight") ? 9 : s.initial)] as const),
  ]);
  const feeds = new Map(graph.inputs.map(({ name }) => [name, given.get(name) ?? assert.fail(name)]));
  const outputs = await onnxRuntime(graph, feeds);
  const all = ["loss", "gradient"].flatMap((name) => Array.from(outputs.get(name)?.data ?? [], Number));
  assert.equal(all.length, 1 + 2 * 4);
  assert.ok(
    all.every((v) => Math.abs(v) === 0),
    `${all}`,
  );
});

test("without row weights the graph has none, and with them it differs in nothing else that it reads", () => {
  const inputs = (rows: "equal" | "weighted"): string[] =>
    objectiveGraph(kdAt(4), 2, 3, "logits", "float32", rows).graph.inputs.map((i) => i.name);
  assert.ok(!inputs("equal").includes("row_weights"));
  assert.deepEqual(new Set(inputs("weighted")), new Set([...inputs("equal"), "row_weights"]));
});

test("losses that relate rows, and those that count each the same, refuse row weights by name", async () => {
  const dist: ObjectiveConfig = { alpha: 1, studentLoss: CE, distillationLoss: { kind: "dist" } };
  const teacherLogits = fixture.teachers[0];
  const refused = { code: "option-conflict", where: "objective", found: /"dist"/, expected: /kd/ };
  await assert.rejects(evaluate(dist, { studentLogits, teacherLogits, rowWeights: labels }), refused);
  assert.ok((await evaluate(dist, { studentLogits, teacherLogits })).loss > 0);
  const pair = { student: "a", teacher: "b" };
  for (const { kind, rows } of lossesAgainst("layers")) {
    const layers = kind === "simkd" ? [pair] : [pair, pair];
    const term = { kind, layers } as NonNullable<ObjectiveConfig["terms"]>[number];
    assert.notEqual(rows, "weighted", kind);
    assert.throws(() => checkRowWeights({ studentLoss: CE, terms: [term] }), {
      code: "option-conflict",
      found: new RegExp(`"${kind}"`),
    });
  }
  // A term that is left out refuses nothing.
  checkRowWeights({ studentLoss: CE, terms: [{ kind: "dist", weight: 0 }] });
});

test("a loss of one's own takes row weights when it says so", async () => {
  const definition = {
    name: "gap",
    needs: { teacher: false, labels: false },
    build: ({ builder: b, studentLogits: z, rowWeights: w }: Parameters<typeof buildObjective>[0]): Value =>
      b.op("ReduceSum", [w ? b.op("Mul", [z, w]) : z], { keepdims: { kind: "int", value: 0 } }),
  };
  const config = (rows?: "weighted"): ObjectiveConfig => ({
    weights: { student: 0, distillation: 0 },
    studentLoss: CE,
    terms: [{ kind: "custom", definition: { ...definition, ...(rows && { rows }) } }],
  });
  const values = {
    studentLogits: [
      [1, 2],
      [3, 4],
    ],
    rowWeights: [1, 0],
  };
  assert.equal((await evaluate(config("weighted"), values)).loss, 3);
  await assert.rejects(evaluate(config(), values), { code: "option-conflict", found: /"gap"/ });
});

test("the public function takes row weights and checks them", async () => {
  const config: ObjectiveConfig = { studentLoss: CE };
  const two = {
    studentLogits: [
      [0, 0],
      [5, 0],
    ],
    labels: [0, 1],
  };
  const { loss } = await evaluatePublic(config, { ...two, rowWeights: Float32Array.of(3, 0) });
  assert.ok(Math.abs(loss - Math.log(2)) < 1e-12);
  for (const [rowWeights, code] of [
    [[1], "array-mismatch"],
    [[1, -1], "option-invalid"],
    [[1, Number.NaN], "option-invalid"],
  ] as const)
    await assert.rejects(evaluatePublic(config, { ...two, rowWeights }), { code, where: "rowWeights" });
});

/** The case's objective against both teachers of the fixture, each with its share of every row. */
async function evaluateGroup(c: Case): Promise<Pick<EvaluatedObjective, "loss" | "gradient">> {
  const [batch, classes] = [labels.length, 4];
  const b = createBuilder("group");
  const column = (values: number[]) => tensor("float64", values, [batch, 1]);
  const rows = (m: number[][]) => tensor("float64", m.flat(), [batch, classes]);
  const student = b.input("student", "float64", [batch, classes]);
  const members = fixture.teachers.map((_, k) => ({
    kind: "logits" as const,
    values: b.input(`teacher ${k}`, "float64", [batch, classes]),
    weight: b.input(`share ${k}`, "float64", [batch, 1]),
  }));
  const built = buildObjective(
    {
      builder: b,
      studentLogits: student,
      teacher: { ...(members[0] as (typeof members)[number]), members },
      labels: b.input("labels", "int64", [batch]),
      rowWeights: b.input("row weights", "float64", [batch, 1]),
      scalar: (id) => b.input(id, "float64", []),
      features: () => [],
      parameter: () => assert.fail("no parameters"),
    },
    c.config,
  );
  const [gradient] = backward(b, (call) => opOf(call).gradient, built.total, [student]);
  b.output(built.total, "loss");
  b.output(gradient as Value, "gradient");
  const feeds = new Map([
    ["student", rows(studentLogits)],
    ["labels", int64s(labels)],
    ["row weights", column(c.rowWeights)],
    ...fixture.teachers.map((t, k) => [`teacher ${k}`, rows(t)] as const),
    ["share 0", column(fixture.shares)],
    ["share 1", column(fixture.shares.map((s) => 1 - s))],
    ...built.scalars.map((s) => [s.name, scalar(s.initial, "float64")] as const),
  ]);
  const found = await reference(b.build(), feeds);
  const flat = Array.from(found.get("gradient")?.data ?? [], Number);
  return {
    loss: Number(found.get("loss")?.data[0]),
    gradient: labels.map((_, i) => flat.slice(i * classes, (i + 1) * classes)),
  };
}

/** Loss and gradient within tolerance of max(1, |expected|). */
function same(
  found: Pick<EvaluatedObjective, "loss" | "gradient">,
  expected: Pick<EvaluatedObjective, "loss" | "gradient">,
  tolerance: number,
  what: string,
): void {
  const close = (a: number | undefined, e: number, of: string): void =>
    assert.ok(
      Math.abs((a as number) - e) <= tolerance * Math.max(1, Math.abs(e)),
      `${what}: ${of} ${a}, expected ${e}`,
    );
  close(found.loss, expected.loss, "loss");
  assert.equal(found.gradient.flat().length, expected.gradient.flat().length, what);
  expected.gradient.flat().forEach((g, k) => {
    close(found.gradient.flat()[k], g, `gradient ${k}`);
  });
}
