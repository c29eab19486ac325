/** What an error repeats is short and cannot steer a terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../src/base/errors.js";
import { escapeControls, quote } from "../../src/base/quote.js";

test("values are shown as JSON, long ones cut", () => {
  assert.equal(quote("a\nb"), '"a\\nb"');
  assert.equal(quote(Number.NaN), "NaN");
  assert.equal(quote(["x", 1]), '["x",1]');
  assert.equal(quote(undefined), "undefined");
  assert.equal(quote("x".repeat(80)), `"${"x".repeat(80)}"`);
  assert.equal(quote("x".repeat(100_000)), `"${"x".repeat(80)}"... (100,000 characters)`);
  assert.ok(quote(Array(1000).fill(7)).length < 90);
  // No half of a pair.
  assert.equal(quote(`${"x".repeat(79)}\u{1f600}${"x".repeat(9)}`), `"${"x".repeat(79)}"... (90 characters)`);
});

test("what a terminal obeys is escaped, in quotes and in any message", () => {
  assert.equal(quote("\u001b[31mred\u202e\u009b"), '"\\u001b[31mred\\u202e\\u009b"');
  assert.equal(escapeControls("\u2028"), "\\u2028");
  const error = new InputError({ code: "file-missing", where: "a\u001b[2J.png", found: "no such file" });
  assert.equal(error.message, "a\\u001b[2J.png: no such file");
  assert.equal(error.where, "a\u001b[2J.png");
});
