/** Pseudo-labels: what is filtered, what is balanced, and what the targets are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pseudoLabels } from "../../../src/learn/teacher/pseudo-labels.js";
import { faultLike } from "../../support/faults.js";

/** Probabilities of eight samples over three classes; 0 and 1 are labelled. */
const rows = [
  [0.2, 0.5, 0.3],
  [0.9, 0.05, 0.05],
  [0.8, 0.1, 0.1],
  [0.6, 0.3, 0.1],
  [0.7, 0.2, 0.1],
  [0.34, 0.33, 0.33],
  [0.1, 0.85, 0.05],
  [0.25, 0.25, 0.5],
];
const answers = { kind: "probabilities" as const, values: Float32Array.from(rows.flat()) };
const labels = [2, 0, -1, -1, -1, -1, -1, -1];
const all = Uint32Array.from({ length: 8 }, (_, i) => i);
const make = (more: Partial<Parameters<typeof pseudoLabels>[4]>, transfer = all) =>
  pseudoLabels(answers, 3, transfer, labels, { kind: "soft", minConfidence: 0, balance: false, ...more });
const near = (a: ArrayLike<number>, b: readonly number[]): void => {
  assert.equal(a.length, b.length);
  b.forEach((v, i) => {
    assert.ok(Math.abs((a[i] as number) - v) < 1e-6, `${i}: ${a[i]} and ${v}`);
  });
};

test("labelled samples keep their labels, the others get the teacher's probabilities or its best class", () => {
  const soft = make({});
  assert.deepEqual([...soft.samples], [0, 1, 2, 3, 4, 5, 6, 7]);
  near(soft.targets, [[0, 0, 1], [1, 0, 0], ...rows.slice(2)].flat());
  const hard = make({ kind: "hard" });
  near(
    hard.targets.subarray(6),
    [
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ].flat(),
  );
  // Of logits too: they are the same distribution.
  const logits = { kind: "logits" as const, values: Float32Array.from(rows.flat(), (p) => Math.log(p) + 3) };
  near(
    pseudoLabels(logits, 3, all, labels, { kind: "soft", minConfidence: 0, balance: false }).targets,
    Array.from(soft.targets),
  );
});

test("the filter leaves out what the teacher is unsure about, never what is labelled", () => {
  const found = make({ minConfidence: 0.55 });
  assert.deepEqual([...found.samples], [0, 1, 2, 3, 4, 6]);
  assert.deepEqual(found.counts, { unlabelled: 6, confident: 4, chosen: 4 });
  // Outside the transfer set nothing is chosen, and the teacher's answer stands.
  const part = make({ minConfidence: 0.55 }, Uint32Array.of(0, 4));
  assert.deepEqual([...part.samples], [0, 4]);
  near(part.targets.subarray(3, 6), rows[1] as number[]);
  const hard = make({ kind: "hard" }, Uint32Array.of(0, 4));
  near(hard.targets.subarray(12, 15), [1, 0, 0]);
  near(hard.targets.subarray(18, 21), rows[6] as number[]);
});

test("balance: the surest of frequent classes, those of rare ones again", () => {
  // Classes named: 0 by 2, 4, 3, 5 (surest first), 1 by 6, 2 by 7; the mean class has two.
  const found = make({ balance: true });
  assert.deepEqual([...found.samples], [0, 1, 2, 4, 6, 6, 7, 7]);
  assert.deepEqual(found.counts, { unlabelled: 6, confident: 6, chosen: 6 });
  // A class that nobody is sure about stays away.
  assert.deepEqual([...make({ balance: true, minConfidence: 0.55 }).samples], [0, 1, 2, 4, 6, 6]);
});

test("when nothing is left the filter is named", () => {
  assert.throws(
    () => make({ minConfidence: 0.99 }, Uint32Array.of(3, 4)),
    faultLike({ code: "budget-invalid", where: "transfer.pseudo_labels.min_confidence", found: ["0.99"] }),
  );
});
