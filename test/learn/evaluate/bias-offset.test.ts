/** The best offset of some classes' logits, held against a grid search in NumPy (test/fixtures/evaluate/bias_offset.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { biasOffset, shiftOutputs } from "../../../src/learn/evaluate/bias-offset.js";
import { accuracy } from "../../../src/learn/evaluate/metrics.js";

interface Case {
  readonly classes: number;
  readonly shifted: number[];
  readonly labels: number[];
  readonly logits: number[];
  readonly before: number;
  readonly best: number;
}

const cases = JSON.parse(
  readFileSync(join(process.cwd(), "test", "fixtures", "evaluate", "bias_offset.json"), "utf8"),
) as Case[];

for (const [i, c] of cases.entries())
  test(`case ${i + 1}: as accurate as the best of 40,000 offsets`, () => {
    const [logits, labels] = [Float32Array.from(c.logits), Int32Array.from(c.labels)];
    const found = biasOffset(logits, labels, c.classes, c.shifted);
    assert.ok(Math.abs(found.before - c.before) < 1e-12);
    assert.ok(Math.abs(found.after - c.best) < 1e-12, `${found.after}, NumPy ${c.best}`);
    const shifted = shiftOutputs(logits, c.classes, c.shifted, found.offset);
    assert.equal(accuracy(shifted, labels, c.classes), found.after);
  });

test("shifting the others the other way is as good", () => {
  for (const c of cases) {
    const others = Array.from({ length: c.classes }, (_, k) => k).filter((k) => !c.shifted.includes(k));
    const [logits, labels] = [Float32Array.from(c.logits), Int32Array.from(c.labels)];
    const found = biasOffset(logits, labels, c.classes, others);
    assert.ok(Math.abs(found.after - c.best) < 1e-12);
  }
});

test("the middle of the best interval, the one nearest to 0, and 0 where nothing is better", () => {
  // Class 1 is right above 2 in the first row; above 4 it becomes wrong in the second.
  const logits = Float32Array.from([2, 0, 4, 0]);
  assert.deepEqual(biasOffset(logits, Int32Array.from([1, 0]), 2, [1]), { offset: 3, before: 0.5, after: 1 });
  assert.deepEqual(biasOffset(logits, Int32Array.from([0, 0]), 2, [1]), { offset: 0, before: 1, after: 1 });
  // Nothing but class 1: any offset above 4 does; one step beyond the end.
  assert.deepEqual(biasOffset(logits, Int32Array.from([1, 1]), 2, [1]), { offset: 5, before: 0, after: 1 });
  assert.throws(() => biasOffset(logits, Int32Array.from([0, 1]), 2, []), RangeError);
  assert.throws(() => biasOffset(logits, Int32Array.from([0, 1]), 2, [0, 1]), RangeError);
});
