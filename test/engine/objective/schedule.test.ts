/** Schedules of weights, alpha and temperatures, and further terms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTraining, scalarsAt } from "../../../src/engine/compile/compile.js";
import { int } from "../../../src/engine/graph/attributes.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import { meanShares, shareWarnings } from "../../../src/engine/objective/gradient-shares.js";
import { type ObjectiveConfig, objectiveNeeds, type TermConfig } from "../../../src/engine/objective/objective.js";
import type { CustomLoss } from "../../../src/engine/objective/custom.js";
import { type FactorSchedule, factorAt } from "../../../src/engine/objective/schedule.js";
import { CE, evaluate, labelsAlone, matrix } from "./support.js";

const kd = { kind: "kd", temperature: 4 } as const;
const factors = (s: FactorSchedule, steps: number): number[] =>
  Array.from({ length: steps }, (_, i) => factorAt(s, i, steps));
const close = (found: readonly number[], expected: readonly number[]): void => {
  assert.equal(found.length, expected.length);
  found.forEach((v, i) => {
    assert.ok(Math.abs(v - (expected[i] as number)) < 1e-9, `${i}: ${found} against ${expected}`);
  });
};

test("factors over a training", () => {
  close(factors({ kind: "constant" }, 3), [1, 1, 1]);
  close(factors({ kind: "linear" }, 5), [0, 0.25, 0.5, 0.75, 1]);
  close(factors({ kind: "linear", from: 2, to: 1, begin: 0.25, end: 0.75 }, 5), [2, 2, 1.5, 1, 1]);
  close(factors({ kind: "cosine" }, 5), [0, (1 - Math.SQRT1_2) / 2, 0.5, (1 + Math.SQRT1_2) / 2, 1]);
  close(factors({ kind: "warm-up", steps: 4 }, 6), [0.25, 0.5, 0.75, 1, 1, 1]);
  close(factors({ kind: "step", gamma: 0.5, milestones: [0.5, 0.75] }, 4), [1, 1, 0.5, 0.25]);
});

const step = (objective: ObjectiveConfig) => {
  const built = buildModel({ kind: "mlp", hidden: [4], activation: "relu" }, { inputShape: [6], classes: 3, seed: 0 });
  return compileTraining({
    model: trainableModel(built),
    batch: 2,
    inputs: [{ shape: [6], dtype: "float32" }],
    classes: 3,
    objective,
    teacherKind: "logits",
    verify: true,
  });
};

test("what changes is an input: the graph is the same, the scalars move", () => {
  const still = step({ alpha: 0.8, studentLoss: CE, distillationLoss: kd });
  const moving = step({
    alpha: 0.8,
    alphaSchedule: { kind: "linear", from: 0.5, to: 1 },
    studentLoss: CE,
    distillationLoss: { ...kd, temperatureSchedule: { kind: "linear", from: 2, to: 1 } },
  });
  assert.deepEqual(moving.step.graph, still.step.graph);
  assert.deepEqual(still.step.scalars, [
    "step/scalar/student/weight",
    "step/scalar/distillation/weight",
    "step/scalar/distillation/temperature",
  ]);
  close([...scalarsAt(still, 7, 11)], [Math.fround(0.2), Math.fround(0.8), 4]);
  const rounded = (v: number[]): number[] => v.map(Math.fround);
  close([...scalarsAt(moving, 0, 11)], rounded([0.6, 0.4, 8]));
  close([...scalarsAt(moving, 5, 11)], rounded([0.4, 0.6, 6]));
  close([...scalarsAt(moving, 10, 11)], rounded([0.2, 0.8, 4]));
});

test("a term that is zero in the whole training is pruned, with its inputs", () => {
  const dead: FactorSchedule = { kind: "linear", from: 0, to: 0 };
  const terms = (t: readonly TermConfig[]): ObjectiveConfig => ({ ...labelsAlone, terms: t });
  assert.deepEqual(objectiveNeeds(terms([{ kind: "cosine", weight: 0 }])), { teacher: false, labels: true });
  assert.deepEqual(objectiveNeeds(terms([{ kind: "cosine", schedule: dead }])), { teacher: false, labels: true });
  assert.deepEqual(objectiveNeeds(terms([{ kind: "cosine" }])), { teacher: true, labels: true });
  const { terms: names } = step({ alpha: 0.5, alphaSchedule: dead, studentLoss: CE, distillationLoss: kd });
  assert.deepEqual(names, ["student"]);
  // alpha 1 that rises from 0 reads the labels at first.
  const rising = { alpha: 1, alphaSchedule: { kind: "linear" }, studentLoss: CE, distillationLoss: kd } as const;
  assert.deepEqual(objectiveNeeds(rising), { teacher: true, labels: true });
});

test("names of terms: kinds numbered, own names, custom losses by theirs", () => {
  const custom: CustomLoss = {
    name: "size",
    needs: { teacher: false, labels: false },
    build: ({ builder: b, studentLogits: z }) => b.op("ReduceMean", [b.op("Mul", [z, z])], { keepdims: int(0) }),
  };
  const { terms } = step({
    studentLoss: CE,
    terms: [
      { kind: "tvd", temperature: 1 },
      { kind: "tvd", temperature: 2 },
      { kind: "tvd", temperature: 3, name: "far" },
      { kind: "custom", definition: custom },
    ],
  });
  assert.deepEqual(terms, ["student", "tvd", "tvd-2", "far", "size"]);
});

test("a custom loss has its own gradient, by itself and beside others", async () => {
  const custom: CustomLoss = {
    name: "size",
    needs: { teacher: false, labels: false },
    build: ({ builder: b, studentLogits: z }) => b.op("ReduceSum", [b.op("Mul", [z, z])], { keepdims: int(0) }),
  };
  const zs = matrix(3, 4, 2);
  const labels = [1, 0, 3];
  const plain = await evaluate(labelsAlone, { studentLogits: zs, labels });
  const both = await evaluate(
    { ...labelsAlone, terms: [{ kind: "custom", definition: custom, weight: 0.25 }] },
    { studentLogits: zs, labels },
  );
  both.gradient.flat().forEach((g, k) => {
    const expected = (plain.gradient.flat()[k] as number) + 0.5 * (zs.flat()[k] as number);
    assert.ok(Math.abs(g - expected) < 1e-12);
  });
  const wrong: CustomLoss = { ...custom, build: ({ studentLogits }) => studentLogits };
  await assert.rejects(
    evaluate({ ...labelsAlone, terms: [{ kind: "custom", definition: wrong }] }, { studentLogits: zs, labels }),
    { code: "array-mismatch", where: "objective", found: /"size".*\[3,4\]/ },
  );
});

test("a term that the student's parameters do not matter to is refused by its name", () => {
  const custom: CustomLoss = {
    name: "teacher-alone",
    needs: { teacher: true, labels: false },
    build: ({ builder: b, teacher }) => b.op("ReduceMean", [teacher?.values as Value], { keepdims: int(0) }),
  };
  assert.throws(() => step({ ...labelsAlone, terms: [{ kind: "custom", definition: custom }] }), {
    name: "InputError",
    code: "gradient-missing",
    where: "objective",
    found: /"teacher-alone"/,
  });
});

test("a custom loss that asks for layers it does not name is told so", () => {
  const custom: CustomLoss = {
    name: "inner",
    needs: { teacher: true, labels: false },
    layers: [{ student: "hidden1/relu", teacher: "a" }],
    build: (inputs) => {
      const [pair] = inputs.features([{ student: "hidden1/relu", teacher: "b" }]);
      return inputs.builder.op("ReduceMean", [pair?.student as Value], { keepdims: int(0) });
    },
  };
  assert.throws(() => step({ ...labelsAlone, terms: [{ kind: "custom", definition: custom }] }), {
    code: "layer-missing",
    where: "objective.terms.0",
    found: /"inner".*"hidden1\/relu" and "b"/,
  });
});

test("terms and schedules that make no sense are refused, with the field", () => {
  const refused = (config: Partial<ObjectiveConfig>, where: string): void =>
    assert.throws(
      () => objectiveNeeds({ studentLoss: CE, distillationLoss: kd, ...config }),
      { name: "InputError", code: /^option-(invalid|conflict)$/, where },
      where,
    );
  refused({ terms: [{ kind: "tvd", temperature: 1, weight: -1 }] }, "objective.terms.0.weight");
  refused({ terms: [{ kind: "tvd", temperature: 0 }] }, "objective.terms.0.temperature");
  refused({ terms: [{ kind: "tvd", temperature: 1, name: "student" }] }, "objective.terms.0.name");
  refused({ terms: [{ kind: "cosine" }, { kind: "fog" } as unknown as TermConfig] }, "objective.terms.1.kind");
  const schedule = (s: object): Partial<ObjectiveConfig> => ({
    terms: [{ kind: "cosine", schedule: s as FactorSchedule }],
  });
  refused(schedule({ kind: "linear", begin: 0.5, end: 0.5 }), "objective.terms.0.schedule.end");
  refused(schedule({ kind: "linear", to: -1 }), "objective.terms.0.schedule.to");
  refused(schedule({ kind: "warm-up", steps: 0 }), "objective.terms.0.schedule.steps");
  refused(schedule({ kind: "ramp" }), "objective.terms.0.schedule.kind");
  refused({ alpha: 0.9, alphaSchedule: { kind: "linear", to: 2 } }, "objective.alpha_schedule");
  refused({ weights: { student: 1, distillation: 1 }, alphaSchedule: { kind: "linear" } }, "objective.alpha_schedule");
  refused({ weights: { student: 0, distillation: 0 } }, "objective.weights");
  assert.deepEqual(objectiveNeeds({ weights: { student: 0, distillation: 0 }, studentLoss: CE, terms: [kd] }), {
    teacher: true,
    labels: false,
  });
});

test("warnings: a term below 1 %, one above 99 %, none for one term alone", () => {
  const measured = [
    { student: 0.996, distillation: 0.004 },
    { student: 0.998, distillation: 0.002 },
  ];
  const mean = meanShares(measured);
  close([mean.student as number, mean.distillation as number], [0.997, 0.003]);
  const [idle, drowning, ...more] = shareWarnings(mean);
  assert.match(idle ?? "", /"distillation" has 0.3 % .*raise/);
  assert.match(drowning ?? "", /"student" has 99.7 % .*lower/);
  assert.deepEqual(more, []);
  // Rounded to the limit they would contradict their own sentence.
  const said = (share: number): string => /has (.*?) of/.exec(shareWarnings({ a: share, b: 0.5 })[0] ?? "")?.[1] ?? "";
  assert.deepEqual([0.0096, 0.00996, 0.009996, 0.009999999, 0].map(said), [
    "0.96 %",
    "0.996 %",
    "< 1 %",
    "< 1 %",
    "0.0 %",
  ]);
  assert.deepEqual([0.9904, 0.99004, 0.99999, 0.9900001].map(said), ["99.04 %", "99.004 %", "100.0 %", "> 99 %"]);
  assert.deepEqual(shareWarnings({ a: 0.01, b: 0.99 }), []);
  assert.deepEqual(shareWarnings({ student: 0.98, distillation: 0.02 }), []);
  assert.deepEqual(shareWarnings({ student: 1 }), []);
});
