/** How much memory a step keeps: counted by hand, and against what ONNX Runtime really takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { perSecond } from "../../../src/cli/terminal.js";
import { peakBytes } from "../../../src/engine/compile/memory.js";
import { int64s } from "../../../src/engine/graph/tensor.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { memoryWarning } from "../../../src/learn/train/memory-warning.js";

test("values live from where they are made to where they are last read; views take nothing", () => {
  const b = createBuilder("g");
  const x = b.input("x", "float32", [100]); // 400 bytes, always
  const r = b.op("Relu", [x]); // 400
  const row = b.op("Reshape", [r, b.constant(int64s([1, 100]))]); // a view; its shape: 16 bytes, always
  const e = b.op("Exp", [row]); // 400: x, shape, r (through its view) and e
  const s = b.op("Sum", [e, e]); // 400: r is gone
  b.output(b.op("ReduceMax", [s, b.constant(int64s([1]))]), "y");
  // x + shapes (16 + 8) + two of r, e, s at a time.
  assert.equal(peakBytes(b.build()), 400 + 24 + 800);
});

test("a value that is read at the end is kept all the time", () => {
  const b = createBuilder("g");
  const x = b.input("x", "float32", [10]);
  const first = b.op("Relu", [x]);
  let last = first;
  for (let i = 0; i < 5; i++) last = b.op("Exp", [last]);
  b.output(b.op("Add", [first, last]), "y");
  assert.equal(peakBytes(b.build()), 4 * 10 * 4); // x, first, and an Exp with what it reads
});

test("a warning says what is needed, what is free and what to do; silence where it fits or nobody knows", () => {
  const text = memoryWarning("student", 7.5 * 2 ** 30, 32, 2 ** 32) ?? "";
  assert.match(text, /student: .*7\.5 GB.* 4\.0 GB are free.*training\.batch \(now 32 at a time\)/);
  assert.doesNotMatch(memoryWarning("student", 2 ** 33, 1, 2 ** 32) ?? "training.batch", /training\.batch/);
  assert.equal(memoryWarning("student", 2 ** 31, 32, 2 ** 32), undefined);
  assert.equal(memoryWarning("student", 2 ** 40, 32, undefined), undefined);
});

test("a slow training has a rate above zero", () => {
  assert.deepEqual(
    [0.4, 3.44, 120.3].map((rate) => perSecond(rate, "step")),
    ["2.5 s a step", "3.4 steps/s", "120 steps/s"],
  );
});
