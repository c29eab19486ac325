/** Figures over seeds as people read them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { meanInterval, rangeOfTwo } from "../../../src/learn/evaluate/interval.js";
import { percent, percentValue, spread, spreadsSaid } from "../../../src/learn/report/format.js";

test("from three seeds on half of the 95 % interval, of two their range, of one nothing", () => {
  // t(2) = 4.3027, s = 0.01: 4.3027 * 0.01 / sqrt(3) = 0.02484.
  const three = meanInterval([0.84, 0.85, 0.86]);
  assert.deepEqual([percentValue(three), percent(three)], ["85.0 ± 2.5", "85.0 ± 2.5 %"]);
  const two = meanInterval([0.849, 0.841]);
  assert.deepEqual([percentValue(two), percent(two)], ["84.5 (84.1–84.9)", "84.5 % (84.1–84.9)"]);
  const one = meanInterval([0.849]);
  assert.deepEqual([percentValue(one), percent(one)], ["84.9", "84.9 %"]);
  assert.deepEqual([percentValue(null), percent(null)], ["-", "-"]);
  assert.equal(spread(meanInterval([1.25, 0.75]), 1, 3), "(0.750–1.250)");
});

test("the range of two is that of the two values; the interval itself stays in the figure", () => {
  const two = meanInterval([0.9, 0.5]);
  // t(1) = 12.7062: 12.7062 * 0.2 to either side, beyond what accuracies can be.
  assert.ok(Math.abs((two.high as number) - (0.7 + 12.706204736432095 * 0.2)) < 1e-9);
  const range = rangeOfTwo(two);
  assert.ok(range && Math.abs(range[0] - 0.5) < 1e-12 && Math.abs(range[1] - 0.9) < 1e-12);
  assert.equal(rangeOfTwo(meanInterval([1, 2, 3])), null);
  assert.equal(rangeOfTwo(meanInterval([1])), null);
});

test("the note of a table names the spreads that occur in it", () => {
  assert.equal(spreadsSaid([1, 1]), "");
  assert.match(spreadsSaid([1, 2]), /^[^±%]*\btwo seeds\b[^±%]*\.$/);
  assert.match(spreadsSaid([1, 3]), /^± .*95 %[^.]*\.$/);
  assert.match(spreadsSaid([2, 3]), /± .*95 %.*\. .*\btwo seeds\b/);
});
