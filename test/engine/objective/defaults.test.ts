/** Losses run with the defaults that the recipe's schema and docs/losses.md state. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { evaluateObjective, type ObjectiveConfig } from "../../../src/index.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { objectiveSchema } from "../../../src/run/recipe/schema/schema.js";

const values = {
  studentLogits: [
    [0.5, -1, 2],
    [1, 0.25, -0.5],
  ],
  teacherLogits: [
    [1, 0, 3],
    [-1, 2, 0.5],
  ],
  labels: [2, 1],
};
/** What a loss cannot do without. */
const REQUIRED: Readonly<Record<string, object>> = { "top-k-kl": { k: 2 } };
const student = { kind: "cross-entropy" } as const;

for (const { kind } of lossesAgainst("answers")) {
  test(`${kind} without options is ${kind} with the defaults of a recipe`, async () => {
    const bare = { kind, ...REQUIRED[kind] };
    const parsed = z
      .object({ objective: objectiveSchema() })
      .parse({ objective: { alpha: 1, distillationLoss: bare } });
    const { distillationLoss: full } = parsed.objective;
    const loss = async (config: unknown): Promise<number> =>
      (await evaluateObjective({ alpha: 1, studentLoss: student, distillationLoss: config } as ObjectiveConfig, values))
        .loss;
    assert.equal(await loss(bare), await loss(full));
  });
}

test("top-k-kl without a tail puts the other classes into one: by hand", async () => {
  const config = { alpha: 1, studentLoss: student, distillationLoss: { kind: "top-k-kl", k: 2 } } as const;
  const { loss } = await evaluateObjective(config, values);
  const softmax = (row: readonly number[]): number[] => {
    const e = row.map(Math.exp);
    return e.map((v) => v / e.reduce((a, b) => a + b, 0));
  };
  // k 2 of 3 classes: the one left out is a bucket of its own, so this is the dense KL.
  const kl = values.teacherLogits.map((t, i) => {
    const [p, q] = [softmax(t), softmax(values.studentLogits[i] as number[])];
    return p.reduce((sum, v, c) => sum + v * Math.log(v / (q[c] as number)), 0);
  });
  assert.ok(Math.abs(loss - ((kl[0] as number) + (kl[1] as number)) / 2) < 1e-12);
});

test("a virtual teacher without options has the recipe's", async () => {
  const of = async (virtualTeacher: object): Promise<number> =>
    (await evaluateObjective({ alpha: 0, studentLoss: { ...student, virtualTeacher } } as ObjectiveConfig, values))
      .loss;
  assert.equal(await of({}), await of({ correct: 0.99, temperature: 20, alpha: 0.1 }));
});
