import assert from "node:assert/strict";
import { test } from "node:test";
import {
  geometricMean,
  lossDifference,
  median,
  pairedRatio,
  quantile,
  spreadOf,
} from "../../bench/harness/statistics.js";

test("medians and quantiles are numpy's", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  // numpy.quantile([7, 1, 4, 10, 2], [0.25, 0.9])
  assert.equal(quantile([7, 1, 4, 10, 2], 0.25), 2);
  assert.ok(Math.abs(quantile([7, 1, 4, 10, 2], 0.9) - 8.8) < 1e-12);
  assert.throws(() => median([]), /no values/);
});

test("the geometric mean of a ratio and its inverse is one", () => {
  assert.ok(Math.abs(geometricMean([4, 0.25]) - 1) < 1e-12);
  assert.ok(Math.abs(geometricMean([1, 2, 4]) - 2) < 1e-12);
});

test("ratios are taken round by round, so a drift that meets both cancels", () => {
  const ours = [1, 2, 4];
  const theirs = [3, 6, 12];
  assert.deepEqual(pairedRatio(theirs, ours), { median: 3, low: 3, high: 3 });
  assert.deepEqual(spreadOf([2, 9, 4]), { median: 4, low: 2, high: 9 });
  assert.throws(() => pairedRatio([1], [1, 2]), /1 rounds against 2/);
});

test("a loss that is not a number, or missing, never counts as agreement", () => {
  assert.ok(Math.abs(lossDifference([2.2, 0.5], [2, 0.4]) - 0.1) < 1e-12);
  assert.equal(lossDifference([1, 1], [1, 1]), 0);
  assert.equal(lossDifference([Number.NaN, 1], [1, 1]), Number.POSITIVE_INFINITY);
  assert.equal(lossDifference([1], [1, 1]), Number.POSITIVE_INFINITY);
});
