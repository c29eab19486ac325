import assert from "node:assert/strict";
import { test } from "node:test";
import type { Value } from "../../../src/engine/graph/builder.js";
import { objectiveGraph } from "../../../src/engine/objective/evaluate.js";
import {
  buildObjective,
  type ObjectiveConfig,
  objectiveNeeds,
  objectiveWeights,
} from "../../../src/engine/objective/objective.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { CE, evaluate, kdAt, labelsAlone, matrix, norm } from "./support.js";

const zs = matrix(4, 5, 1);
const zt = matrix(4, 5, 7);
const labels = [0, 2, 4, 1];
const kd = { kind: "kd", temperature: 4 } as const;

test("kd tends to half the logit-mse of row-centred logits as T grows", async () => {
  const centred = (m: number[][]): number[][] =>
    m.map((row) => {
      const mean = row.reduce((a, v) => a + v, 0) / row.length;
      return row.map((v) => v - mean);
    });
  const mse: ObjectiveConfig = { alpha: 1, studentLoss: CE, distillationLoss: { kind: "logit-mse" } };
  const { loss: limit } = await evaluate(mse, { studentLogits: centred(zs), teacherLogits: centred(zt) });
  const gap = async (t: number): Promise<number> => {
    const { loss } = await evaluate(kdAt(t), { studentLogits: zs, teacherLogits: zt });
    return Math.abs(loss - limit / 2);
  };
  assert.ok((await gap(1000)) < 1e-2 * limit);
  assert.ok((await gap(1000)) < 0.15 * (await gap(100)), "the gap closes like 1 / T");
});

test("alpha mixes the two losses linearly, in value and gradient", async () => {
  const values = { studentLogits: zs, teacherLogits: zt, labels };
  const hard = await evaluate(labelsAlone, values);
  const soft = await evaluate(kdAt(4), values);
  for (const alpha of [0.25, 0.9]) {
    const mixed = await evaluate({ alpha, studentLoss: CE, distillationLoss: kd }, values);
    assert.ok(Math.abs(mixed.loss - ((1 - alpha) * hard.loss + alpha * soft.loss)) < 1e-12);
    assert.ok(Math.abs((mixed.terms.student?.value ?? 0) - hard.loss) < 1e-12, "terms are unweighted");
    assert.deepEqual([mixed.terms.student?.weight, mixed.terms.distillation?.weight], [1 - alpha, alpha]);
    mixed.gradient.flat().forEach((g, k) => {
      const expected = (1 - alpha) * (hard.gradient.flat()[k] as number) + alpha * (soft.gradient.flat()[k] as number);
      assert.ok(Math.abs(g - expected) < 1e-12);
    });
  }
});

test("alpha 1 has no labels input, a baseline has no teacher input", () => {
  const inputsOf = (config: ObjectiveConfig): string[] => objectiveGraph(config, 2, 3).graph.inputs.map((i) => i.name);
  assert.deepEqual(inputsOf(kdAt(4)), ["student_logits", "teacher", "distillation/weight", "distillation/temperature"]);
  assert.deepEqual(inputsOf(labelsAlone), ["student_logits", "labels", "student/weight"]);
  assert.deepEqual(inputsOf({ alpha: 0, studentLoss: CE, distillationLoss: kd }), [
    "student_logits",
    "labels",
    "student/weight",
  ]);
  assert.deepEqual(objectiveNeeds(kdAt(4)), { teacher: true, labels: false });
  assert.deepEqual(objectiveNeeds(labelsAlone), { teacher: false, labels: true });
  assert.deepEqual(objectiveNeeds({ studentLoss: CE, distillationLoss: kd }), { teacher: true, labels: true });
});

test("inputs of a pruned term are never read", () => {
  const b = createBuilder();
  const inputs = {
    builder: b,
    studentLogits: b.input("z", "float32", [2, 3]),
    get teacher(): { values: Value; kind: "logits" } {
      return { values: b.input("t", "float32", [2, 3]), kind: "logits" };
    },
    get labels(): Value {
      throw new Error("labels were read");
    },
    scalar: (name: string) => b.input(name, "float32", []),
    features: () => [],
    parameter: (name: string, shape: readonly number[]) => b.input(name, "float32", shape),
  };
  const { terms, scalars } = buildObjective(inputs, kdAt(2.5));
  assert.deepEqual(
    terms.map((t) => t.name),
    ["distillation"],
  );
  assert.deepEqual(scalars, [
    { name: "distillation/weight", initial: 1 },
    { name: "distillation/temperature", initial: 2.5 },
  ]);
});

test("temperature and weights are run-time inputs: one graph serves every value", async () => {
  const config: ObjectiveConfig = { alpha: 0.5, studentLoss: CE, distillationLoss: kd };
  const { graph } = objectiveGraph(config, 4, 5);
  const other = objectiveGraph({ ...config, alpha: 0.9, distillationLoss: { kind: "kd", temperature: 7 } }, 4, 5);
  assert.deepEqual(other.graph.nodes, graph.nodes);
  assert.deepEqual([...other.graph.initializers], [...graph.initializers]);
});

test("class weights: a batch of one class alone does not depend on the class's weight", async () => {
  const weighted = (w: number): ObjectiveConfig => ({ studentLoss: { ...CE, classWeights: [1, 1, w, 1, 1] } });
  const same = { studentLogits: zs, labels: [2, 2, 2, 2] };
  const plain = await evaluate(labelsAlone, same);
  for (const w of [0.1, 1, 40]) assert.ok(Math.abs((await evaluate(weighted(w), same)).loss - plain.loss) < 1e-12);
  // A batch of nothing but weight 0 teaches nothing, and is no NaN.
  const nothing = await evaluate(weighted(0), same);
  assert.equal(nothing.loss + 0, 0);
  assert.equal(norm(nothing.gradient), 0);
});

test("what makes no sense is refused, with the field", async () => {
  const refused = (config: unknown, where: string, code: string, rest: object = {}): void => {
    assert.throws(() => objectiveNeeds(config as ObjectiveConfig), { name: "InputError", code, where, ...rest }, where);
  };
  for (const alpha of [-0.1, 1.5, Number.NaN]) {
    refused({ alpha, studentLoss: CE, distillationLoss: kd }, "objective.alpha", "option-invalid", {
      found: `found ${alpha}`,
      expected: /0 to 1/,
    });
  }
  refused(
    { alpha: 0.5, weights: { student: 1, distillation: 1 }, studentLoss: CE, distillationLoss: kd },
    "objective",
    "option-conflict",
  );
  for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    refused(kdAt(temperature), "objective.distillation_loss.temperature", "option-invalid", {
      found: `found ${temperature}`,
    });
  refused({ ...kdAt(4), studentLoss: { ...CE, labelSmoothing: 0.1 } }, "objective.student_loss", "option-conflict");
  refused({ ...kdAt(4), studentLoss: { ...CE, classWeights: [1, 2] } }, "objective.student_loss", "option-conflict");
  refused({ alpha: 0.5, studentLoss: CE }, "objective.alpha", "option-missing", {
    found: /0\.5/,
    expected: "objective.distillation_loss",
  });
  refused({ studentLoss: { ...CE, labelSmoothing: 1 } }, "objective.student_loss.label_smoothing", "option-invalid");
  refused({ studentLoss: { ...CE, classWeights: [1, -1] } }, "objective.student_loss.class_weights", "option-invalid", {
    found: /\[1,-1\]/,
  });
  refused({ studentLoss: { ...CE, classWeights: [0, 0] } }, "objective.student_loss.class_weights", "option-invalid", {
    found: /\[0,0\]/,
  });
  refused({ studentLoss: { kind: "hinge" } }, "objective.student_loss.kind", "option-invalid", {
    found: /"hinge"/,
    expected: /cross-entropy/,
  });
  refused(
    { studentLoss: CE, distillationLoss: { kind: "hinton" } },
    "objective.distillation_loss.kind",
    "option-invalid",
    { found: /"hinton"/, expected: /^one of kd, dkd, nkd, .*cosine/ },
  );
  const weights = (student: number, distillation: number) => ({
    weights: { student, distillation },
    studentLoss: CE,
    distillationLoss: kd,
  });
  refused(weights(-1, 1), "objective.weights.student", "option-invalid");
  refused(weights(1, Number.POSITIVE_INFINITY), "objective.weights.distillation", "option-invalid", {
    found: /Infinity/,
  });
  refused(weights(0, 0), "objective.weights", "option-conflict");
  assert.deepEqual(objectiveWeights(weights(0.1, 9)), { student: 0.1, distillation: 9 });
  assert.deepEqual(objectiveWeights({ studentLoss: CE }), { student: 1, distillation: 0 });
});

test("values that do not fit the objective are refused, with the field", async () => {
  const refused = (config: ObjectiveConfig, values: object, where: string, code: string): Promise<void> =>
    assert.rejects(
      evaluate(config, { studentLogits: zs, teacherLogits: zt, labels, ...values }),
      { name: "InputError", code, where },
      where,
    );
  const both: ObjectiveConfig = { studentLoss: CE, distillationLoss: kd };
  await refused(both, { labels: undefined }, "labels", "labels-missing");
  await refused(both, { labels: [0, 1] }, "labels", "array-mismatch");
  await refused(both, { labels: [0, 1, 2, 5] }, "labels", "class-unknown");
  await refused(both, { labels: [0, 1, 2, -1] }, "labels", "class-unknown");
  await refused(both, { teacherLogits: undefined }, "teacherLogits", "teacher-missing");
  await refused(both, { teacherLogits: zt.slice(1) }, "teacherLogits", "array-mismatch");
  await refused(both, { teacherLogits: zt.map((r) => r.slice(1)) }, "teacherLogits", "array-mismatch");
  await refused(both, { studentLogits: [[1, Number.NaN]] }, "studentLogits", "not-finite");
  await refused(both, { teacherProbabilities: zt }, "teacherProbabilities", "option-conflict");
  const mse: ObjectiveConfig = { alpha: 1, studentLoss: CE, distillationLoss: { kind: "logit-mse" } };
  const even = zs.map(() => [0.2, 0.2, 0.2, 0.2, 0.2]);
  await refused(
    mse,
    { teacherLogits: undefined, teacherProbabilities: even },
    "objective.distillation_loss",
    "model-output",
  );
  await refused(
    { studentLoss: { ...CE, classWeights: [1, 1] } },
    {},
    "objective.student_loss.class_weights",
    "array-mismatch",
  );
});
