/** `limbeck sweep` as it is typed. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { SMALL, temporary, warmLimbeck } from "./support.js";

const { folder, remove } = temporary();
const limbeck = warmLimbeck();
after(remove);
const at = (name: string): string => join(folder, name);
const sweep = (...args: string[]) =>
  limbeck(["sweep", resolve("recipes/digits.yaml"), ...SMALL, "--set", "seeds=1", ...args]);

test("a table, the best values as --set takes them, and a recipe that distill takes", async () => {
  const grid = ["--grid", "objective.distillation_loss.temperature=2,20", "--grid", "student.hidden=[4],[10]"];
  const made = await sweep(...grid, "--out", at("run"), "-q");
  assert.equal(made.code, 0, made.stderr);
  assert.equal(made.stderr, "");
  const found = JSON.parse(readFileSync(at("run/sweep.json"), "utf8"));
  const lines = made.stdout.split("\n");
  for (const [i, row] of found.rows.entries()) {
    const cells = (lines[i + 1] as string).trim().split(/ {2,}/);
    const { "objective.distillation_loss.temperature": t, "student.hidden": hidden } = row.values;
    const score = `${(100 * row.score.mean).toFixed(1)} %`;
    assert.deepEqual(cells.slice(0, 4), [String(i + 1), String(t), JSON.stringify(hidden), score]);
  }
  const [best] = found.rows;
  const temperature = best.values["objective.distillation_loss.temperature"];
  const hidden = JSON.stringify(best.values["student.hidden"]);
  assert.ok(
    made.stdout.includes(
      `best: --set objective.distillation_loss.temperature=${temperature} --set 'student.hidden=${hidden}'`,
    ),
    made.stdout,
  );
  const distilled = await limbeck(["distill", at("run/best.yaml"), "--out", at("best"), "--json"], { cwd: folder });
  assert.equal(distilled.code, 0, distilled.stderr);
  assert.deepEqual(JSON.parse(distilled.stdout).recipe.student.hidden, best.values["student.hidden"]);
  const again = await sweep(...grid, "--resume", at("run"), "--json");
  assert.deepEqual(JSON.parse(again.stdout).rows, found.rows);
});

test("a misspelt field is wrong input", async () => {
  const made = await sweep("--grid", "objective.distillation_loss.temprature=1,2", "--out", at("no"), "--json");
  assert.equal(made.code, 2);
  assert.match(JSON.parse(made.stdout).error.message, /temprature: unknown key.* "temperature"/);
  assert.ok(!existsSync(at("no")));
});
