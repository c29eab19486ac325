/** A folder of runs in which something is damaged: the rest is listed, resumed and opened as before. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError, listRuns } from "../../src/index.js";
import { planOf } from "../../src/run/recipe/load.js";
import { claimDirectory, type DirectoryOptions } from "../../src/run/folder/run-directory.js";
import { openRun } from "../../src/run/folder/runs.js";
import { listTrainings } from "../../src/run/folder/trainings.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-damaged-"));
const runs = join(root, "runs");
const began = process.cwd();
process.chdir(root);
after(() => {
  process.chdir(began);
  chmodSync(join(runs, "locked"), 0o700);
  rmSync(root, { recursive: true, force: true });
});

const STATE = { recipe: "0".repeat(64), name: "sound", status: "done", version: "1", folder: "..", kind: "distill" };
const SUMMARY = {
  models: [
    { id: "teacher", accuracy: { mean: 0.9 } },
    { id: "student", accuracy: { mean: 0.8 } },
  ],
  comparisons: [{ student: "student", verdict: "helped" }],
};

/** A folder with these files; what is not text is written as JSON. */
function folder(name: string, files: Readonly<Record<string, unknown>> = {}): string {
  const path = join(runs, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries(files))
    writeFileSync(join(path, file), typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

folder("sound", { "state.json": STATE, "summary.json": SUMMARY });
folder("no-run");
writeFileSync(join(runs, "notes.txt"), "no run either");
folder("not-json", { "state.json": "{ status" });
folder("empty", { "state.json": "" });
folder("wrong-types", { "state.json": { ...STATE, status: 7, name: null } });
folder("a-list", { "state.json": [] });
folder("a-null", { "state.json": "null" });
folder("strange-kind", { "state.json": { ...STATE, kind: "distil" } });
folder("huge", { "state.json": `{"a":"${"x".repeat(2 << 20)}"}` });
mkdirSync(join(folder("state-is-folder"), "state.json"));
symlinkSync("nowhere", join(folder("state-is-link"), "state.json"));
symlinkSync("nowhere", join(runs, "dangling"));
symlinkSync("circle", join(runs, "circle"));
folder("bad-summary", { "state.json": STATE, "summary.json": "<html>" });
folder("other-summary", { "state.json": STATE, "summary.json": { models: 3 } });
folder("null-summary", { "state.json": STATE, "summary.json": null });
folder("no-summary", { "state.json": STATE });
folder("unfinished", { "state.json": { ...STATE, status: "running" } });
execFileSync("mkfifo", [join(folder("a-pipe"), "state.json")]);
folder("locked", { "state.json": STATE });
chmodSync(join(runs, "locked"), 0);

test("runs that cannot be read are listed with the reason, all others as ever", () => {
  const found = new Map(listRuns(runs).map((run) => [run.path.slice(runs.length + 1), run]));
  const sound = found.get("sound");
  assert.deepEqual(
    [sound?.state, sound?.problem, sound?.kind, sound?.accuracy, sound?.verdict],
    ["done", null, "distill", 0.8, "helped"],
  );
  assert.deepEqual([found.get("unfinished")?.state, found.get("unfinished")?.problem], ["unfinished", null]);
  assert.equal(found.has("no-run") || found.has("notes.txt"), false);
  const damaged: [string, RegExp][] = [
    ["not-json", /state\.json .*JSON/],
    ["empty", /state\.json .*JSON/],
    ["wrong-types", /name, status/],
    ["a-list", /state\.json/],
    ["a-null", /state\.json/],
    ["strange-kind", /kind/],
    ["huge", /state\.json .*bytes/],
    ["state-is-folder", /state\.json .*folder/],
    ["state-is-link", /state\.json .*link/],
    ["a-pipe", /state\.json .*not a file/],
    ["dangling", /link/],
    ["circle", /link/],
  ];
  for (const [name, problem] of damaged) {
    const run = found.get(name);
    assert.deepEqual([run?.state, run?.name, run?.kind, run?.accuracy], ["damaged", name, null, null], name);
    assert.match(run?.problem ?? "", problem, name);
  }
  for (const name of ["bad-summary", "other-summary", "null-summary", "no-summary"]) {
    const run = found.get(name);
    assert.deepEqual([run?.state, run?.name, run?.accuracy, run?.verdict], ["done", "sound", null, null], name);
    assert.match(run?.problem ?? "", /summary\.json/, name);
  }
  // Root may read everything.
  if (process.getuid?.() !== 0) assert.match(found.get("locked")?.problem ?? "", /EACCES/);
});

test("--resume finds its run among damaged ones, and names them where there is none", async () => {
  const recipe = planOf({
    name: "mine",
    data: { source: "digits" },
    student: { kind: "mlp", hidden: [8] },
    training: { steps: 1 },
  });
  const claim = async (options: DirectoryOptions): Promise<string> => {
    const claimed = await claimDirectory(recipe, options);
    claimed.release();
    return claimed.directory;
  };
  const resume = () => claim({ resume: true });
  await assert.rejects(
    resume(),
    (e: unknown) => e instanceof InputError && e.code === "run-missing" && /runs\/a-list: state\.json/.test(e.found),
  );
  const own = await claim({});
  assert.equal(own, join("runs", "mine"));
  assert.equal(await resume(), own);
  await assert.rejects(
    claim({ resume: join(runs, "not-json") }),
    (e: unknown) => e instanceof InputError && e.code === "file-damaged" && e.found.includes("not-json"),
  );
});

test("opening a damaged run is an error of its own; trainings without a card are left out", () => {
  const refused = (name: string, code: string) =>
    assert.throws(
      () => openRun(join(runs, name)),
      (e: unknown) => e instanceof InputError && e.code === code && e.where === join(runs, name),
      name,
    );
  refused("wrong-types", "file-damaged");
  refused("dangling", "file-damaged");
  refused("no-run", "run-missing");
  refused("unfinished", "run-missing");
  const run = folder("with-trainings", { "state.json": STATE, hops: "no folder" });
  const card = { role: "student", seed: 0, names: ["student, seed 0"], teacherHash: null };
  const training = (name: string, content: unknown): void => {
    folder(join("with-trainings", "trainings", name), { "training.json": content, "model.onnx": "" });
  };
  training("a", card);
  training("b", { ...card, role: 3 });
  training("c", "{");
  training("d", null);
  assert.deepEqual(
    listTrainings(run).map((t) => t.directory),
    [join(run, "trainings", "a")],
  );
});
