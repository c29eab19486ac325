/** A strategy's run can be moved: its hops name each other from their own folders. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { distill, InterruptedError, loadModelFile, type RecipeInput } from "../../src/index.js";
import { loadRecipe } from "../../src/run/recipe/load.js";
import { openRun } from "../../src/run/folder/runs.js";
import { listTrainings } from "../../src/run/folder/trainings.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-moved-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** Five columns of numbers and a label that they decide: a table that lies beside the recipe. */
const home = join(root, "home");
mkdirSync(home);
const rows = Array.from({ length: 400 }, (_, i) => [0, 1, 2, 3, 4].map((k) => Math.sin(i * (k + 1) * 0.7)));
writeFileSync(
  join(home, "data.csv"),
  `a,b,c,d,e,label\n${rows.map((r) => `${r.map((v) => v.toFixed(4)).join()},${(r[0] as number) > 0 ? "yes" : "no"}`).join("\n")}\n`,
);
const recipe: RecipeInput = {
  name: "chain",
  data: { source: "table", path: "data.csv", label: "label", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [16] }, training: { steps: 60, batch: 32 } },
  student: { kind: "mlp", hidden: [4] },
  training: { steps: 60, batch: 32 },
  strategy: { kind: "born-again", generations: 2, ensemble: false },
  evaluation: { latency_runs: 5 },
};

test("a stopped run goes on in another place, and no recipe or state in it names the old one", async () => {
  const [before, there] = [join(root, "before"), join(root, "elsewhere", "after")];
  const controller = new AbortController();
  const onEvent = (event: { kind: string; hop?: number }): void => {
    if (event.kind === "hop" && event.hop === 3) controller.abort();
  };
  const options = { folder: home, threads: 1 };
  await assert.rejects(
    distill(recipe, { ...options, out: before, signal: controller.signal, onEvent }),
    InterruptedError,
  );
  const kept = readFileSync(join(before, "hops", "1-generation-1", "summary.json"));
  mkdirSync(dirname(there));
  renameSync(before, there);
  const { summary } = await distill(recipe, { ...options, resume: there });
  assert.deepEqual(readFileSync(join(there, "hops", "1-generation-1", "summary.json")), kept, "it was not done again");
  assert.equal(summary.strategy?.hops.length, 3);
  for (const [hop, teacher] of [
    ["1-generation-1", "0-generation-0"],
    ["2-generation-2", "1-generation-1"],
  ] as const) {
    const at = join(there, "hops", hop);
    const opened = openRun(at);
    assert.equal(resolve(opened.folder), at);
    const own = loadRecipe(join(at, "recipe.yaml")).recipe;
    assert.ok("file" in own.teacher);
    assert.equal(own.teacher.file, `../${teacher}/models/student-1.onnx`);
    const taught = listTrainings(at).find((t) => t.role === "student");
    assert.equal(taught?.teacherHash, loadModelFile(join(at, own.teacher.file)).hash);
    for (const name of ["recipe.yaml", "state.json"])
      assert.ok(!readFileSync(join(at, name), "utf8").includes(before), `${hop}/${name}`);
    // What lies outside of the run is where it was.
    assert.ok(own.data.source === "table");
    assert.equal(own.data.path, join(home, "data.csv"));
  }
});
