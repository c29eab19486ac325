/** recipe.yaml of a run: there from its first moment, whatever makes the run and however it ends. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill, InterruptedError, labelData, type RecipeInput, sweep, trainModel } from "../../src/index.js";
import { loadRecipe, parseRecipe } from "../../src/run/recipe/load.js";
import type { RunOptions } from "../../src/run/folder/context.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-recipe-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "stopped",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [16] }, training: { steps: 60, batch: 32 } },
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 5000, batch: 32 },
};
type Out = RunOptions & { readonly out: string };
const RUNS: readonly (readonly [string, RecipeInput, (r: RecipeInput, options: Out) => Promise<unknown>])[] = [
  ["distill", recipe, distill],
  ["mutual", { ...recipe, strategy: { kind: "mutual" } }, distill],
  ["born-again", { ...recipe, strategy: { kind: "born-again" } }, distill],
  ["train", recipe, trainModel],
  ["sweep", { ...recipe, sweep: { grid: { "training.batch": [16, 32] } } }, sweep],
  ["label", recipe, labelData],
];
for (const [name, input, run] of RUNS)
  test(`${name}: a run that was stopped says what it is`, async () => {
    const out = join(folder, name);
    const controller = new AbortController();
    const onEvent: RunOptions["onEvent"] = (event) => {
      if (event.kind === "training") controller.abort();
    };
    await assert.rejects(run(input, { out, threads: 1, signal: controller.signal, onEvent }), InterruptedError);
    assert.deepEqual(loadRecipe(join(out, "recipe.yaml")).recipe, parseRecipe(input));
    assert.ok(!existsSync(join(out, "summary.json")));
  });

test("wrong input leaves neither recipe nor folder content behind", async () => {
  const out = join(folder, "wrong");
  const file = join(folder, "nowhere.onnx");
  await assert.rejects(distill({ ...recipe, teacher: { file } }, { out }), /nowhere\.onnx/);
  assert.ok(!existsSync(join(out, "recipe.yaml")) && !existsSync(join(out, "state.json")));
});
