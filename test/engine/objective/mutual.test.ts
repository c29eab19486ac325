/** Students that learn together: value and gradient by hand, and the peers' gradients that must not be there (pitfall 7). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { evaluateObjective, type RunGraph } from "../../../src/engine/objective/evaluate.js";
import type { ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { evaluateReference } from "../ops/support/reference.js";
import { CE, matrix, softmax } from "./support.js";

const run: RunGraph = async (graph, feeds) => evaluateReference(lowerGraph(graph), feeds);
const [PEERS, CLASSES, BATCH, T, WEIGHT] = [3, 4, 5, 2, 0.7] as const;
const labels = [0, 3, 1, 1, 2];
const logits = matrix(BATCH, PEERS * CLASSES, 5);
const own = (z: readonly number[], i: number): number[] => z.slice(i * CLASSES, (i + 1) * CLASSES);
const config: ObjectiveConfig = {
  studentLoss: CE,
  distillationLoss: { kind: "mutual", temperature: T },
  weights: { student: 1, distillation: WEIGHT },
  peers: PEERS,
};

/** Zhang et al. 2018 in plain numbers: L_i of one sample, the peers' logits given apart from its own. */
function lossOf(z: readonly number[], peers: readonly (readonly number[])[], label: number): number {
  const p = softmax(z, T);
  const kl = peers.map((peer) => {
    const q = softmax(peer, T);
    return q.reduce((s, v, c) => s + v * Math.log(v / (p[c] as number)), 0);
  });
  const mean = kl.reduce((a, v) => a + v, 0) / peers.length;
  return -Math.log(softmax(z)[label] as number) + WEIGHT * T * T * mean;
}

const others = (row: readonly number[], i: number): number[][] =>
  [0, 1, 2].filter((j) => j !== i).map((j) => own(row, j));

test("the loss is the sum of every student's own", async () => {
  const { loss } = await evaluateObjective(run, config, { studentLogits: logits, labels });
  const expected = logits.reduce(
    (s, row, n) => s + [0, 1, 2].reduce((a, i) => a + lossOf(own(row, i), others(row, i), labels[n] as number), 0),
    0,
  );
  assert.ok(Math.abs(loss - expected / BATCH) < 1e-10, `${loss}`);
});

test("7: each student's gradient is that of its own loss with its peers held, by finite differences", async () => {
  const { gradient } = await evaluateObjective(run, config, { studentLogits: logits, labels });
  const h = 1e-5;
  let reached = 0;
  logits.forEach((row, n) => {
    for (let k = 0; k < PEERS * CLASSES; k++) {
      const i = Math.floor(k / CLASSES);
      const moved = (by: number): number[] => row.map((v, at) => (at === k ? v + by : v));
      const held = (z: readonly number[]): number => lossOf(own(z, i), others(row, i), labels[n] as number) / BATCH;
      const expected = (held(moved(h)) - held(moved(-h))) / (2 * h);
      assert.ok(Math.abs((gradient[n]?.[k] as number) - expected) < 1e-8, `sample ${n}, logit ${k}`);
      // What would come without stopping: this logit also moves the losses of the peers.
      const whole = (z: readonly number[]): number =>
        [0, 1, 2].reduce((a, j) => a + lossOf(own(z, j), others(z, j), labels[n] as number), 0) / BATCH;
      const leaking = (whole(moved(h)) - whole(moved(-h))) / (2 * h);
      reached += Number(Math.abs(leaking - expected) > 1e-4);
    }
  });
  assert.ok(reached > 40, "the test tells the two apart");
});

test("students that agree have nothing to teach each other", async () => {
  const alike = logits.map((row) => [0, 1, 2].flatMap(() => own(row, 0)));
  const { terms } = await evaluateObjective(run, config, { studentLogits: alike, labels });
  assert.ok(Math.abs(terms.distillation?.value as number) < 1e-12);
});

test("outputs that cannot be shared out, and a student by itself, are errors", async () => {
  const evaluate = (c: ObjectiveConfig) => evaluateObjective(run, c, { studentLogits: logits, labels });
  await assert.rejects(evaluate({ ...config, peers: 5 }), {
    code: "option-invalid",
    where: "objective.peers",
    found: /5/,
  });
  await assert.rejects(evaluate({ ...config, peers: undefined }), {
    code: "option-missing",
    where: "objective",
    expected: /2 peers/,
  });
});
