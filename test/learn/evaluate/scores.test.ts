import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataSet } from "../../../src/learn/data/types.js";
import { darkKnowledge } from "../../../src/learn/evaluate/dark-knowledge.js";
import type { RowsAt } from "../../../src/learn/evaluate/dark-samples.js";
import { aggregateScores, type Outputs, scoreOutputs } from "../../../src/learn/evaluate/scores.js";

const logits = (...values: number[]): Outputs => ({ kind: "logits", values: Float32Array.from(values) });

test("scores of seeds become means, intervals, a mean table and a summed confusion", () => {
  const labels = Int32Array.from([0, 1, 2, 2]);
  const teacher = logits(9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 9);
  const a = scoreOutputs(logits(5, 0, 0, 0, 5, 0, 0, 0, 5, 5, 0, 0), labels, teacher, 3, 2);
  const b = scoreOutputs(logits(5, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 5), labels, teacher, 3, 2);
  assert.equal(a.scores.accuracy, 0.75);
  assert.equal(a.scores.agreement, 0.75);
  assert.deepEqual([...(a.correct ?? [])], [1, 1, 1, 0]);
  const row = aggregateScores([a, b], ["x", "y", "z"], 2);
  assert.equal(row.accuracy?.mean, 0.875);
  assert.equal(row.topK?.k, 2);
  assert.deepEqual(row.confusion, [
    [2, 0, 0],
    [0, 2, 0],
    [1, 0, 3],
  ]);
  assert.deepEqual(row.perClass[2], {
    class: "z",
    precision: 1,
    recall: 0.75,
    f1: (2 / 3 + 1) / 2,
    support: 2,
  });
});

test("without labels only the comparison with the teacher remains; top-k of all classes says nothing", () => {
  const outputs = logits(1, 2, 3, 4);
  const found = scoreOutputs(outputs, null, outputs, 2);
  const { scores, correct, counts } = found;
  assert.deepEqual(
    [correct, counts, scores.accuracy, scores.balancedAccuracy, scores.nll, scores.ece, scores.topK],
    Array(7).fill(null),
  );
  assert.deepEqual([scores.agreement, scores.softKL], [1, 0]);
  const row = aggregateScores([found], ["a", "b"]);
  assert.deepEqual([row.accuracy, row.perClass, row.confusion], [null, [], []]);
  const labelled = scoreOutputs(outputs, Int32Array.from([1, 1]), null, 2, 5);
  assert.deepEqual([labelled.scores.topK, labelled.scores.agreement], [null, null]);
});

function imageData(size: number): DataSet {
  const samples = Uint8Array.from({ length: size * 4 }, (_, i) => i % 17);
  return {
    name: "test",
    size,
    sampleShape: [1, 2, 2],
    samples,
    labels: Int32Array.from({ length: size }, (_, i) => i % 2),
    classes: ["cat", "dog"],
    hash: "00",
  };
}

/** Rows of outputs that are in memory. */
const rowsOf =
  (values: Float32Array, classes: number): RowsAt =>
  (places) =>
    Float32Array.from([...places].flatMap((place) => [...values.subarray(place * classes, (place + 1) * classes)]));

test("dark knowledge: mean softened distributions by true class, hesitant samples among those shown", async () => {
  const data = imageData(6);
  const test = Uint32Array.from([5, 4, 3, 2]);
  // Labels 1 0 1 0; the third sample is the one the teacher hesitates on most.
  const teacher = Float32Array.from([0, 4, 4, 0, 1, 1.1, 6, 0]);
  const found = await darkKnowledge({
    data,
    test,
    labels: Int32Array.from([1, 0, 1, 0]),
    classes: 2,
    teacher: { kind: "logits", rows: rowsOf(teacher, 2) },
    student: rowsOf(teacher, 2),
    temperature: 2,
    samples: 2,
  });
  const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
  const expected = (sigmoid(2) + sigmoid(3)) / 2;
  assert.ok(Math.abs((found.matrix[0]?.[0] ?? 0) - expected) < 1e-4);
  assert.ok(Math.abs((found.matrix[1]?.[1] ?? 0) - (sigmoid(2) + sigmoid(0.05)) / 2) < 1e-4);
  assert.equal(found.samples.length, 2);
  const hesitant = found.samples.find((s) => s.index === 3);
  assert.ok(hesitant, "the most hesitant sample is shown");
  assert.equal(hesitant.label, "dog");
  assert.deepEqual(hesitant.teacherLogits, [1, 1.1]);
  assert.ok(hesitant.values.every((v) => v >= 0 && v <= 1));
});

test("dark knowledge of a teacher with probabilities, without labels, on a table", async () => {
  const data: DataSet = {
    name: "table",
    size: 3,
    sampleShape: [2],
    samples: Float32Array.from([1.5, -2, 3, 4, 5, 6]),
    labels: null,
    classes: ["a", "b", "c"],
    hash: "00",
    features: ["length", "width"],
  };
  const probabilities = Float32Array.from([0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.6, 0.3, 0.1]);
  const found = await darkKnowledge({
    data,
    test: Uint32Array.from([0, 1, 2]),
    labels: null,
    classes: 3,
    teacher: { kind: "probabilities", rows: rowsOf(probabilities, 3) },
    student: rowsOf(new Float32Array(9), 3),
    temperature: 1,
  });
  assert.equal(found.samples.length, 3);
  // Rows are the teacher's own classes: 0, 1, 0; class c has no sample.
  assert.ok(Math.abs((found.matrix[0]?.[0] ?? 0) - 0.65) < 1e-4);
  assert.equal(found.matrix[2], null);
  const first = found.samples.find((s) => s.index === 0);
  assert.deepEqual([first?.label, first?.values, first?.features], [null, [1.5, -2], ["length", "width"]]);
  assert.ok(Math.abs(Math.exp(first?.teacherLogits[1] ?? 0) - 0.2) < 1e-4);
});
