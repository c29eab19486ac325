/** The algebra of the logit losses: what must hold for any logits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DistillationLossConfig,
  type ObjectiveConfig,
  objectiveNeeds,
} from "../../../src/engine/objective/objective.js";
import { CE, evaluate, matrix, norm, softmax } from "./support.js";

const zs = matrix(5, 6, 3);
const zt = matrix(5, 6, 11, 4);
const labels = [0, 5, 2, 2, 4];
const sum = (values: readonly number[]): number => values.reduce((a, v) => a + v, 0);
const alone = (distillationLoss: DistillationLossConfig): ObjectiveConfig => ({
  alpha: 1,
  studentLoss: CE,
  distillationLoss,
});
const at = (loss: DistillationLossConfig, student = zs, teacher = zt) =>
  evaluate(alone(loss), { studentLogits: student, teacherLogits: teacher, labels });
const lossOf = async (loss: DistillationLossConfig, student = zs, teacher = zt): Promise<number> =>
  (await at(loss, student, teacher)).loss;
const near = (actual: number, expected: number, tolerance: number, what: string): void =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, ${expected}`,
  );

/** Divergences: never negative, 0 for equal distributions. */
const divergences: readonly DistillationLossConfig[] = [
  { kind: "kd", temperature: 3 },
  { kind: "dkd", temperature: 4 },
  { kind: "dist", temperature: 1 },
  { kind: "reverse-kl", temperature: 2 },
  { kind: "jsd", temperature: 1 },
  { kind: "jsd", temperature: 2, beta: 0.1 },
  { kind: "jsd", temperature: 1, beta: 0 },
  { kind: "tvd", temperature: 1 },
  { kind: "top-k-kl", temperature: 2, k: 3, tail: "renormalise" },
  { kind: "top-k-kl", temperature: 2, k: 3, tail: "bucket" },
  { kind: "bernoulli", temperature: 1 },
];
const softened = divergences.filter((l) => l.kind !== "bernoulli");
const nameOf = (l: DistillationLossConfig): string => JSON.stringify(l);

test("divergences are at least 0, and 0 with a gradient of 0 at equality, standardised or not", async () => {
  for (const loss of divergences) {
    const forms = loss.kind === "bernoulli" ? [loss] : [loss, { ...loss, standardise: true }];
    for (const form of forms) {
      for (let seed = 0; seed < 12; seed++)
        assert.ok((await lossOf(form, matrix(5, 6, seed, 2), matrix(5, 6, seed + 40))) > 0, nameOf(form));
      const equal = await at(form, zt, zt);
      // 1e-8 is the guard of dist's correlation.
      assert.ok(Math.abs(equal.loss) < 1e-6, `${nameOf(form)}: ${equal.loss}`);
      assert.ok(norm(equal.gradient) < 1e-6, nameOf(form));
    }
  }
});

test("a constant added to a row of logits, on either side, changes nothing", async () => {
  const shifted = (m: number[][]): number[][] => m.map((row, i) => row.map((z) => z + 7 - 3 * i));
  const losses: DistillationLossConfig[] = [
    ...softened,
    { kind: "nkd", temperature: 2 },
    { kind: "top-k-kl", temperature: 2, k: 3, tail: "uniform" },
    { kind: "top-k-kl", temperature: 2, k: 3, tail: "zero" },
    { kind: "kd", temperature: 3, standardise: true },
    { kind: "kd", temperature: 3, temperatureByConfidence: { low: 0.5, high: 2 } },
  ];
  for (const loss of losses) {
    const plain = await at(loss);
    for (const found of [await at(loss, shifted(zs), zt), await at(loss, zs, shifted(zt))]) {
      near(found.loss, plain.loss, 1e-10, nameOf(loss));
      found.gradient.flat().forEach((g, k) => {
        near(g, plain.gradient.flat()[k] as number, 1e-10, nameOf(loss));
      });
    }
  }
});

test("KD = TCKD + (1 - p_t,y) NCKD, sample by sample", async () => {
  for (const t of [1, 4]) {
    for (let i = 0; i < zs.length; i++) {
      const values = {
        studentLogits: [zs[i] as number[]],
        teacherLogits: [zt[i] as number[]],
        labels: [labels[i] as number],
      };
      const own = softmax(zt[i] as number[], t)[labels[i] as number] as number;
      const kd = await evaluate(alone({ kind: "kd", temperature: t }), values);
      const parts = await evaluate(
        alone({ kind: "dkd", temperature: t, targetWeight: 1, otherWeight: 1 - own }),
        values,
      );
      near(parts.loss, kd.loss, 1e-11, `sample ${i}, T ${t}`);
      parts.gradient.flat().forEach((g, k) => {
        near(g, kd.gradient.flat()[k] as number, 1e-11, "gradient");
      });
    }
  }
});

test("JSD / b tends to forward KL as b -> 0, JSD / (1 - b) to reverse KL as b -> 1; b 1/2 is symmetric", async () => {
  const forward = await lossOf({ kind: "kd", temperature: 2 });
  const reverse = await lossOf({ kind: "reverse-kl", temperature: 2 });
  const gap = async (beta: number): Promise<number> =>
    (await lossOf({ kind: "jsd", temperature: 2, beta })) / beta - forward;
  assert.ok(Math.abs(await gap(1e-4)) < 1e-2 * forward);
  assert.ok(Math.abs(await gap(1e-5)) < 0.2 * Math.abs(await gap(1e-4)), "the gap closes like b");
  near((await lossOf({ kind: "jsd", temperature: 2, beta: 1 - 1e-6 })) / 1e-6, reverse, 1e-3, "reverse");
  near(await lossOf({ kind: "jsd", temperature: 2, beta: 0 }), forward, 1e-12, "b = 0");
  near(await lossOf({ kind: "jsd", temperature: 2, beta: 1 }), reverse, 1e-12, "b = 1");
  near(
    await lossOf({ kind: "jsd", temperature: 1 }),
    await lossOf({ kind: "jsd", temperature: 1 }, zt, zs),
    1e-12,
    "symmetry",
  );
  assert.ok((await lossOf({ kind: "jsd", temperature: 1 })) <= Math.log(2), "at most log 2");
});

test("reverse KL is KL with the sides exchanged; TVD is symmetric and at most 1", async () => {
  near(
    await lossOf({ kind: "reverse-kl", temperature: 3 }),
    await lossOf({ kind: "kd", temperature: 3 }, zt, zs),
    1e-12,
    "exchange",
  );
  near(
    await lossOf({ kind: "tvd", temperature: 1 }),
    await lossOf({ kind: "tvd", temperature: 1 }, zt, zs),
    1e-12,
    "tvd",
  );
  const apart = await lossOf({ kind: "tvd", temperature: 1 }, [[50, 0, 0]], [[0, 50, 0]]);
  near(apart, 1, 1e-9, "no overlap");
});

test("top-k is dense at k = C with every tail, and `zero` may go below 0", async () => {
  const dense = await at({ kind: "kd", temperature: 2 });
  for (const tail of ["renormalise", "bucket", "uniform", "zero"] as const) {
    for (const k of [6, 100]) {
      const found = await at({ kind: "top-k-kl", temperature: 2, k, tail });
      near(found.loss, dense.loss, 1e-12, tail);
      found.gradient.flat().forEach((g, i) => {
        near(g, dense.gradient.flat()[i] as number, 1e-12, tail);
      });
    }
    // One class short of all: a tail of one class is that class, so bucket and uniform are dense still.
    const short = await lossOf({ kind: "top-k-kl", temperature: 2, k: 5, tail });
    if (tail === "bucket" || tail === "uniform") near(short, dense.loss, 1e-11, `${tail}, k = C - 1`);
    else assert.ok(Math.abs(short - dense.loss) > 1e-4, `${tail}, k = C - 1`);
  }
  const sure = [[9, 0, 0, 0]];
  assert.ok((await lossOf({ kind: "top-k-kl", temperature: 1, k: 1, tail: "zero" }, sure, [[1, 0, 0, 0]])) < 0);
});

test("top-k with its tail spread is a divergence from the spread distribution: 0 there, more elsewhere, at equality too", async () => {
  const loss: DistillationLossConfig = { kind: "top-k-kl", temperature: 2, k: 3, tail: "uniform" };
  for (let seed = 0; seed < 12; seed++)
    assert.ok((await lossOf(loss, matrix(5, 6, seed, 2), matrix(5, 6, seed + 40))) > 0, `seed ${seed}`);
  // By hand: the three best keep what they have at T 2, the others share the rest; its logits at T 2 are 2 log q.
  const spread = zt.map((row) => {
    const p = softmax(row, 2);
    const least = [...p].sort((a, b) => b - a)[2] as number;
    const rest = sum(p.filter((v) => v < least)) / 3;
    return p.map((v) => 2 * Math.log(v < least ? rest : v));
  });
  const there = await at(loss, spread, zt);
  near(there.loss, 0, 1e-12, "loss");
  assert.ok(norm(there.gradient) < 1e-12);
  assert.ok((await lossOf(loss, zt, zt)) > 1e-4, "a teacher that is not even on its tail");
});

test("the row term of dist does not see positive affine maps of a row of probabilities", async () => {
  const rows: DistillationLossConfig = { kind: "dist", temperature: 1, rowWeight: 1, columnWeight: 0 };
  const teacher = zt.map((row) => softmax(row));
  // a p + (1 - a) / C is such a map, and a distribution again.
  const mapped = teacher.map((row, i) => row.map((p) => (0.3 + 0.1 * i) * p + (0.7 - 0.1 * i) / row.length));
  const values = (teacherProbabilities: number[][]) => ({ studentLogits: zs, teacherProbabilities });
  const plain = await evaluate(alone(rows), values(teacher));
  const found = await evaluate(alone(rows), values(mapped));
  near(found.loss, plain.loss, 1e-6, "row term");
  const columns: DistillationLossConfig = { ...rows, rowWeight: 0, columnWeight: 1 };
  const changed = await evaluate(alone(columns), values(mapped));
  assert.ok(Math.abs(changed.loss - (await evaluate(alone(columns), values(teacher))).loss) > 1e-3, "column term");
});

test("standardised logits: no positive affine map of a sample's logits changes the loss", async () => {
  const mapped = (m: number[][]): number[][] => m.map((row, i) => row.map((z) => (2 + i) * z - 5 * i));
  for (const loss of softened) {
    const config = { ...loss, standardise: true };
    near(await lossOf(config, mapped(zs), mapped(zt)), await lossOf(config), 1e-6, nameOf(config));
  }
});

test("a sample's own temperature: low for the unsure, high for the sure, between them otherwise", async () => {
  const by = { low: 0.5, high: 2 };
  const one = async (teacher: number[], temperature: number, confidence?: typeof by): Promise<number> =>
    lossOf({ kind: "kd", temperature, temperatureByConfidence: confidence }, [zs[0] as number[]], [teacher]);
  const even = [1, 1, 1, 1, 1, 1];
  const sure = [400, 0, 0, 0, 0, 0];
  near(await one(even, 4, by), await one(even, 2), 1e-12, "unsure");
  near(await one(sure, 4, by), await one(sure, 8), 1e-9, "sure");
  near(await one(zt[1] as number[], 4, { low: 1, high: 1 }), await one(zt[1] as number[], 4), 1e-12, "factor 1");
});

test("bernoulli sees each class alone", async () => {
  const loss: DistillationLossConfig = { kind: "bernoulli", temperature: 2 };
  const whole = await lossOf(loss);
  const column = (m: number[][], c: number): number[][] => m.map((row) => [row[c] as number]);
  const parts = await Promise.all([0, 1, 2, 3, 4, 5].map((c) => lossOf(loss, column(zs, c), column(zt, c))));
  near(sum(parts), whole, 1e-12, "sum over the classes");
  const far = [[800, -800, 0]];
  assert.ok(Number.isFinite(await lossOf(loss, far, [[-800, 800, 0]])), "no overflow");
});

test("huber is mse / 2 near 0 and a line far away; cosine does not see lengths", async () => {
  const close = zs.map((row) => row.map((z) => z + 0.3));
  const huber = await lossOf({ kind: "regression", form: "huber", delta: 1 }, zs, close);
  near(huber, 0.045, 1e-12, "0.3^2 / 2");
  const away = await at({ kind: "regression", form: "huber", delta: 2 }, [[0, 0]], [[10, -10]]);
  near(away.loss, 18, 1e-12, "2 (10 - 1)");
  assert.deepEqual(away.gradient, [[-1, 1]]);
  const longer = (m: number[][]): number[][] => m.map((row, i) => row.map((z) => (i + 1) * z));
  near(await lossOf({ kind: "cosine" }, longer(zs), zt), await lossOf({ kind: "cosine" }), 1e-12, "cosine");
  near(await lossOf({ kind: "cosine" }, zt, zt), 0, 1e-12, "itself");
});

test("options that make no sense are refused, with the field", () => {
  const refused = (loss: unknown, field: string, found: RegExp, code = "option-invalid"): void =>
    assert.throws(
      () => objectiveNeeds(alone(loss as DistillationLossConfig)),
      { name: "InputError", code, where: `objective.distillation_loss.${field}`, found },
      field,
    );
  refused({ kind: "dkd", temperature: 4, otherWeight: -1 }, "other_weight", /-1/);
  refused({ kind: "nkd", temperature: 1, gamma: Number.NaN }, "gamma", /NaN/);
  refused({ kind: "jsd", temperature: 1, beta: 1.1 }, "beta", /1\.1/);
  refused({ kind: "top-k-kl", temperature: 1, k: 0, tail: "zero" }, "k", /0/);
  refused({ kind: "top-k-kl", temperature: 1, k: 2, tail: "drop" }, "tail", /"drop"/);
  refused({ kind: "regression", form: "l1" }, "form", /"l1"/);
  refused({ kind: "regression", form: "huber", delta: 0 }, "delta", /0/);
  refused({ kind: "bernoulli", temperature: 1, standardise: true }, "standardise", /bernoulli/, "option-conflict");
  const range = { low: 0, high: 1 };
  refused({ kind: "kd", temperature: 1, temperatureByConfidence: range }, "temperature_by_confidence.low", /0/);
  refused(
    { kind: "dist", temperature: 1, temperatureByConfidence: { low: 1, high: 2 } },
    "temperature_by_confidence",
    /dist/,
    "option-conflict",
  );
  refused({ kind: "kd", temperature: 1, temperatureSchedule: { kind: "linear" } }, "temperature_schedule.from", /0/);
});
