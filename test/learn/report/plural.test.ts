/** Numbers and what they count. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { noun } from "../../../src/base/noun.js";

test("one is singular, everything else plural", () => {
  const said = [0, 1, 2, 1797].map((n) => noun(n, "sample"));
  assert.deepEqual(said, ["0 samples", "1 sample", "2 samples", "1,797 samples"]);
  assert.deepEqual(
    [noun(1, "class"), noun(10, "class"), noun(3, "batch"), noun(2, "epoch")],
    ["1 class", "10 classes", "3 batches", "2 epochs"],
  );
});

test("no message puts a number that may be one before a plural", () => {
  // What users count by ones: an assertion on a number of two at least is not among these words.
  const words = "seeds|hops|epochs|rungs|baselines|variants|combinations|trainings|cores|nodes";
  const fixed = new RegExp(`\\$\\{[^{}]*\\} (${words})\\b`);
  const found = readdirSync("src", { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) =>
      readFileSync(join("src", name), "utf8")
        .split("\n")
        .filter((line) => fixed.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    );
  // There these are several at least, or it is a mistake of the caller's program.
  const several = ["learn/evaluate/verdict.ts", "app/commands/export-run.ts", "app/sweep/combinations.ts"];
  const left = found.filter((line) => !several.some((file) => line.replaceAll("\\", "/").startsWith(file)));
  assert.deepEqual(left, []);
});
