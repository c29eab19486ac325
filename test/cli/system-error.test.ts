/** What the operating system refuses is told with its path and what to do. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { asRunError } from "../../src/cli/system-error.js";
import { InputError, RunError } from "../../src/base/errors.js";

function raised(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was raised");
}

test("Node's own errors get a code, the path and a cure", () => {
  const path = join(tmpdir(), "limbeck-none", "none");
  const missing = asRunError(raised(() => readFileSync(path)));
  assert.ok(missing instanceof RunError);
  assert.deepEqual([missing.code, missing.where], ["file-missing", path]);
  assert.ok(missing.found.includes("ENOENT") && missing.cure);
  const full = Object.assign(new Error("write failed"), { code: "ENOSPC", syscall: "write" });
  const told = asRunError(full);
  assert.ok(told instanceof RunError && told.code === "file-unwritable" && told.where === "write");
  assert.equal(told.cause, full);
  assert.match(`${told.cure}`, /--resume/);
});

test("limbeck's own errors, and mistakes in it, stay as they are", () => {
  const own = new InputError({ code: "file-missing", where: "x", found: "no such file" });
  const mistake = new TypeError("x is not a function");
  // A code alone is no error of the operating system's.
  const other = Object.assign(new Error("ENOENT"), { code: "ENOENT" });
  for (const error of [own, mistake, other, "text"]) assert.equal(asRunError(error), error);
});
