/** Shuffling in blocks: every sample once, near-sequential reads, no epoch like another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { epochOrder } from "../../../src/learn/data/order.js";
import { layoutOf } from "../../../src/learn/data/sources/row-blocks.js";
import { Random } from "../../../src/engine/random/random.js";

// Two of three samples, as a split leaves them; 34 blocks of 60 in windows of 5: 7 windows of 4 or 5 blocks.
const rows = 60;
const layout = { rows, window: 5 };
const indices = Uint32Array.from({ length: 2000 }, (_, i) => i).filter((i) => i % 3 !== 1);
const blockOf = (sample: number): number => Math.floor(sample / rows);

/** Blocks in the order in which they first occur. */
const blocksOf = (order: Uint32Array): number[] => [...new Set(Array.from(order, blockOf))];

test("without blocks the order is what it was: a permutation of the whole", () => {
  const whole = new Random(7, "shuffle").permutation(indices.length, 2);
  assert.deepEqual(
    [...epochOrder(indices, 7, 2)],
    Array.from(whole, (i) => indices[i] as number),
  );
});

test("in blocks: every sample once, a function of (samples, seed, epoch)", () => {
  const order = epochOrder(indices, 7, 2, layout);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...indices],
  );
  assert.deepEqual(epochOrder(indices, 7, 2, layout), order);
  assert.deepEqual(epochOrder(indices.slice().reverse(), 7, 2, layout), order, "however the samples are listed");
  for (const other of [epochOrder(indices, 7, 3, layout), epochOrder(indices, 8, 2, layout)]) {
    assert.notDeepEqual(other, order);
    assert.notDeepEqual(blocksOf(other), blocksOf(order), "other blocks stand together");
  }
});

test("a window holds few blocks, whole ones, well mixed", () => {
  const order = epochOrder(indices, 7, 2, layout);
  const sequence = blocksOf(order);
  assert.equal(sequence.length, 34);
  assert.notDeepEqual(
    sequence,
    [...sequence].sort((a, b) => a - b),
  );
  for (let from = 0, windows = 0; from < order.length; windows++) {
    const bound = Math.floor(((windows + 1) * 34) / 7) - Math.floor((windows * 34) / 7);
    assert.ok(bound === 4 || bound === 5);
    const members = new Set(sequence.slice(Math.floor((windows * 34) / 7), Math.floor((windows * 34) / 7) + bound));
    const samples = indices.filter((i) => members.has(blockOf(i)));
    const window = order.subarray(from, from + samples.length);
    assert.deepEqual(Uint32Array.from(window).sort(), samples, `window ${windows}`);
    // Among 40 of one block and 160 of others, neighbours are of one block in a fifth of the cases.
    const together = window.filter((v, i) => i > 0 && blockOf(v) === blockOf(window[i - 1] as number)).length;
    assert.ok(together < window.length / 2, `${together} of ${window.length} neighbours are of one block`);
    from += samples.length;
  }
});

test("over epochs every sample is anywhere", () => {
  const sums = new Float64Array(2000);
  const epochs = 400;
  for (let epoch = 0; epoch < epochs; epoch++)
    epochOrder(indices, 3, epoch, layout).forEach((sample, place) => {
      sums[sample] = (sums[sample] as number) + place;
    });
  // The mean of uniform places has a standard deviation of n / sqrt(12 epochs).
  const [middle, deviation] = [(indices.length - 1) / 2, indices.length / Math.sqrt(12 * epochs)];
  for (const i of indices) {
    const mean = (sums[i] as number) / epochs;
    assert.ok(Math.abs(mean - middle) < 5 * deviation, `sample ${i} stands at ${mean} in the mean, not at ${middle}`);
  }
});

test("more blocks in a window than there are: a shuffle of everything", () => {
  const order = epochOrder(indices, 1, 0, { rows: 60, window: 1000 });
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...indices],
  );
  assert.equal(blocksOf(order.subarray(0, 200)).length > 30, true);
  assert.deepEqual([...epochOrder(Uint32Array.of(5), 1, 0, layout)], [5]);
});

test("blocks of a file are about a megabyte, windows 128 of them, and never fewer than 2,048 rows", () => {
  assert.deepEqual(layoutOf(3072), { rows: 341, window: 128 });
  assert.deepEqual(layoutOf(600_000), { rows: 16, window: 128 });
});
