/** Pitfall 7 as the doctor looks for it: in the compiled step, by number. */
import assert from "node:assert/strict";
import { planOf } from "../../src/run/recipe/load.js";
import { test } from "node:test";
import { loadData } from "../../src/learn/data/load.js";
import { type CustomLoss, examine, type LossInputs, type Value } from "../../src/index.js";
import { mutual } from "../../src/engine/objective/losses/mutual.js";
import type { CustomLossConfig } from "../../src/engine/objective/objective.js";
import type { PeerLossConfig } from "../../src/engine/objective/registry.js";
import { probeMutual } from "../../src/app/doctor/mutual-step.js";
import type { Finding } from "../../src/app/doctor/types.js";
import { prepareModel } from "../../src/run/students/prepare.js";

const recipe = {
  name: "patient",
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [8] }, training: { epochs: 1 } },
  student: { kind: "mlp", hidden: [16], batch_norm: true, dropout: 0.2 },
  training: { epochs: 1 },
  strategy: {
    kind: "mutual",
    models: [
      { kind: "mlp", hidden: [8] },
      { kind: "cnn", layers: [{ conv: 4 }, { flatten: true }] },
    ],
  },
} as const;

async function probe(loss: PeerLossConfig | CustomLossConfig): Promise<Finding> {
  const loaded = await loadData(planOf(recipe).data, { folder: "." });
  const { student } = planOf(recipe);
  const students = [0, 1, 2].map((seed) =>
    prepareModel(student, { folder: ".", data: loaded.data, classes: 10, seed }),
  );
  const [finding] = await probeMutual({
    students: students.map((s) => s.model),
    loaded,
    samples: loaded.splits.train.slice(0, 16),
    studentLoss: { kind: "cross-entropy" },
    loss,
  });
  return finding as Finding;
}

const mutualAt2 = { kind: "mutual", temperature: 2 } as const;
const custom = (build: CustomLoss["build"]): CustomLossConfig => ({
  kind: "custom",
  definition: { name: "planted", needs: { teacher: false, labels: false }, build },
});

test("the step of the strategy lets no gradient through to another student", async () => {
  const findings = await examine(recipe);
  const found = findings.find((f) => f.check === "mutual learning");
  assert.equal(found?.status, "ok", found?.found);
  assert.match(
    `${found?.found}`,
    /^3 students: the largest gradient of one from another's loss is 0\.0, from its own 0\.0?[1-9]/,
  );
  assert.deepEqual(
    findings.filter((f) => f.status === "fail"),
    [],
  );
});

test("7: the loss as it is passes; with the gradient left in at a peer it fails", async () => {
  assert.equal((await probe(mutualAt2)).status, "ok");
  const kept: Value[] = [];
  // The logits of the student before, as they are: not through inputs.peers, where they are constants.
  const leaking = (inputs: LossInputs): Value => {
    kept.push(inputs.studentLogits);
    const before = kept[kept.length - 2];
    const peers = before ? [before, ...(inputs.peers ?? []).slice(1)] : inputs.peers;
    return mutual.build({ ...through(inputs), peers }, mutualAt2);
  };
  const found = await probe(custom(leaking));
  assert.equal(found.status, "fail", found.found);
  assert.match(found.change, /inputs\.peers/);
  assert.match(found.found, /the loss of student (2 moves student 1|3 moves student 2)/);
});

test("7: the same custom loss through inputs.peers passes", async () => {
  assert.equal((await probe(custom((inputs) => mutual.build(inputs, mutualAt2)))).status, "ok");
});

/** The inputs without their getters, which would ask for a teacher that is not there. */
const through = (inputs: LossInputs): LossInputs => ({
  builder: inputs.builder,
  studentLogits: inputs.studentLogits,
  scalar: inputs.scalar,
  features: inputs.features,
  parameter: inputs.parameter,
});
