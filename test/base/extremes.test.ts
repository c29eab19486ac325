/** Largest and smallest of more values than a call takes arguments; and the check that nothing in src spreads such values. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { appendTo, maxOf, minOf } from "../../src/base/extremes.js";

const MANY = 1_000_000;
const ramp = Float64Array.from({ length: MANY }, (_, i) => i);

test("a million values: largest, smallest and appended ones", () => {
  // What these stand in for fails on as many.
  assert.throws(() => Math.max(...ramp), RangeError);
  assert.equal(maxOf(ramp), MANY - 1);
  assert.equal(minOf(ramp), 0);
  const list = [-1];
  appendTo(list, ramp);
  assert.equal(list.length, MANY + 1);
  assert.equal(list[MANY], MANY - 1);
});

test("floors, ceilings, no values and NaN are as with Math.max and Math.min", () => {
  assert.equal(maxOf([1, 5, 3], 4), 5);
  assert.equal(maxOf([1, 2], 4), 4);
  assert.equal(minOf([1, 5], 0), 0);
  assert.equal(maxOf([]), Number.NEGATIVE_INFINITY);
  assert.equal(minOf([]), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(maxOf([1, Number.NaN, 3])) && Number.isNaN(minOf([Number.NaN, 1])));
  assert.equal(maxOf(new Map([["a", 2]]).values()), 2);
});

test("no source spreads values into a call that takes any number of them", async () => {
  const script = "scripts/lint-spreads.js";
  const { spreadsIn } = (await import(pathToFileURL(script).href)) as {
    spreadsIn(code: string): { readonly line: number; readonly what: string }[];
  };
  const lines = (code: string): number[] => spreadsIn(code).map((s) => s.line);
  assert.deepEqual(lines("const a = 1;\nMath.max(0, ...xs);"), [2]);
  assert.deepEqual(lines("list.push(...xs.map((x) => [...x]));"), [1]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
  assert.deepEqual(lines("const t = `a ${String.fromCharCode(...bytes)}`;"), [1]);
  assert.deepEqual(lines("Math.hypot(...v);\nMath.min(...(await f()), 1);"), [1, 2]);
  assert.deepEqual(lines("Math.max(...\n// (\nxs)"), [1]);
  for (const fine of [
    "const all = [...xs, ...ys];",
    "Math.max(length([...xs]), 1);",
    'say("Math.max(...xs)");',
    "// list.push(...xs)",
    "const f = (...xs: number[]) => g(xs);",
    "const t = `logits.indexOf(Math.max(...logits))`;",
  ])
    assert.deepEqual(lines(fine), [], fine);
  execFileSync(process.execPath, [script]);
});
