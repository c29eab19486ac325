/** The check of a teacher against labels: imbalanced classes, other orders, many classes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { spreadOver } from "../../../src/learn/data/labels/labels.js";
import type { DataSet } from "../../../src/learn/data/types.js";
import { type Fault, faultOf } from "../../../src/base/errors.js";
import { checkKnowledge } from "../../../src/learn/teacher/knowledge.js";

function dataOf(labels: readonly number[], classes: readonly string[]): DataSet {
  return {
    name: "test",
    size: labels.length,
    sampleShape: [1],
    samples: new Float32Array(labels.length),
    labels: Int32Array.from(labels),
    classes,
    hash: "00",
  };
}

/** @param answers the class that the teacher names for each sample */
function check(labels: readonly number[], answers: readonly number[], classes: readonly string[], allowChance = false) {
  const values = new Float32Array(answers.length * classes.length);
  for (const [i, c] of answers.entries()) values[i * classes.length + c] = 1;
  const indices = Uint32Array.from(labels, (_, i) => i);
  return checkKnowledge("teacher.onnx", values, dataOf(labels, classes), indices, classes.length, { allowChance });
}

const refusal =
  (code: string, ...parts: RegExp[]) =>
  (error: unknown) => {
    const fault = faultOf(error) as Fault;
    assert.deepEqual([fault.code, fault.where], [code, "teacher.onnx"]);
    for (const part of parts) assert.match(`${fault.found} ${fault.cure}`, part);
    return true;
  };

const rare = Array.from({ length: 500 }, (_, i) => Number(i % 50 === 0));

test("a teacher that always names the largest class is refused, however right that is", () => {
  const none = rare.map(() => 0);
  assert.throws(
    () => check(rare, none, ["fine", "fraud"]),
    refusal("chance-teacher", /98\.0 %/, /"fine"/, /100\.0 %/, /50\.0 %/, /teacher\.allow_chance/),
  );
  assert.match(check(rare, none, ["fine", "fraud"], true) ?? "", /98\.0 %/);
});

test("one that finds the rare class at the price of accuracy is taken, and both are said", () => {
  // All 10 rare samples found, 40 of the 490 others taken for rare ones: 92 %, where a constant has 98 %.
  const keen = rare.map((label, i) => (label === 1 || i % 12 === 5 ? 1 : 0));
  const wrong = keen.filter((c, i) => c !== rare[i]).length;
  const said = check(rare, keen, ["fine", "fraud"]) ?? "";
  assert.ok(wrong > 10, "less accurate than a constant");
  assert.ok(said.includes(`${((100 * (500 - wrong)) / 500).toFixed(1)} %`), said);
  assert.match(said, /98\.0 %/);
  const balanced = (1 + (490 - wrong) / 490) / 2;
  assert.ok(said.includes(`${(100 * balanced).toFixed(1)} %`), said);
});

test("of even classes nothing but accuracy is said; one in a wrong order is refused with the right one", () => {
  const labels = Array.from({ length: 300 }, (_, i) => i % 3);
  const names = ["a", "b", "c"];
  assert.equal(check(labels, labels, names), "it is correct on 100.0 % of 300 labelled samples");
  const turned = labels.map((c) => (c + 1) % 3);
  assert.throws(() => check(labels, turned, names), refusal("class-order", /0\.0 %/, /100\.0 %/, /\["c","a","b"\]/));
  assert.throws(
    () =>
      check(
        labels,
        labels.map((_, i) => Math.floor(i / 3) % 3),
        names,
      ),
    refusal("chance-teacher", /"a"/),
  );
});

test("ten thousand classes: a few hits in 500 samples are knowledge, none is not; nothing is as large as classes x classes", () => {
  const names = Array.from({ length: 10_000 }, (_, c) => `class ${c}`);
  const labels = Array.from({ length: 500 }, (_, i) => (i * 7919) % 10_000);
  const before = process.memoryUsage().arrayBuffers;
  const some = labels.map((label, i) => (i % 25 === 0 ? label : (label + 1 + (i % 7)) % 10_000));
  assert.match(check(labels, some, names) ?? "", /4\.0 %/);
  assert.throws(
    () =>
      check(
        labels,
        labels.map((c) => (c + 17) % 10_000),
        names,
      ),
    refusal("chance-teacher", /0\.0 %/),
  );
  // The answers take 20 MB each time; a matrix of the classes would take 400.
  assert.ok(process.memoryUsage().arrayBuffers - before < 150e6);
});

test("of samples in the order of their classes, those looked at are of every class", () => {
  const sorted = Uint32Array.from({ length: 10_000 }, (_, i) => i);
  const some = spreadOver(sorted, 500);
  assert.equal(some.length, 500);
  const seen = Array<number>(10).fill(0);
  for (const i of some) seen[Math.floor(i / 1000)] = (seen[Math.floor(i / 1000)] as number) + 1;
  assert.deepEqual(seen, Array(10).fill(50));
  assert.deepEqual([...spreadOver(Uint32Array.of(4, 2, 9), 500)], [4, 2, 9]);
});
