/** The validation part of a fit, of data large and small. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromArrays } from "../../src/index.js";
import { split } from "../../src/app/library/fit-data.js";
import { faultLike } from "../support/faults.js";

const dataOf = (size: number) =>
  fromArrays({
    samples: new Float32Array(size),
    sampleShape: [1],
    labels: Array.from({ length: size }, (_, i) => i % 2),
  });
const sizes = (size: number, validationSplit?: number): number[] => {
  const { splits } = split(dataOf(size), validationSplit === undefined ? {} : { validationSplit }, 0);
  return [splits.train.length, splits.validation.length, splits.test.length];
};

test("15 % choose the weights; data too small for that has no validation part unless one is asked for", () => {
  assert.deepEqual(sizes(100), [85, 15, 0]);
  assert.deepEqual(sizes(3), [3, 0, 0]);
  assert.deepEqual(sizes(3, 1), [2, 1, 0]);
  assert.throws(
    () => sizes(3, 0.15),
    faultLike({ code: "budget-invalid", where: "validationSplit", found: [0.15, 3] }),
  );
  assert.throws(() => sizes(3, 4), faultLike({ code: "budget-invalid", where: "validationSplit", found: [4, 3] }));
});
