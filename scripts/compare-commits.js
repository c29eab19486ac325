// Trains the same recipes with two commits on this machine and compares what came out: `npm run compare -- <old> [<new>]`.
// Exported bytes depend on the processor, so nothing is compared with a committed file. Weights and metrics.jsonl must be equal to
// the byte; summaries must be equal in every figure that is no time. <new> defaults to the working tree.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Stands for the commit's own recipe of the digits. */
const RECIPE = "recipes/digits.yaml";
const small = ["seeds=2", "training.steps=60", "variants=[]", "teacher.training.epochs=3"];
/** What is run: arguments of the command line, each in a folder of its own. */
const RUNS = {
  digits: ["distill"],
  "random views": ["distill", RECIPE, ...set([...small, "training.augment.shift=1"])],
  assistants: [
    "distill",
    RECIPE,
    "--strategy",
    "assistants",
    ...set([...small, "strategy.models=[{kind: mlp, hidden: [24]}]"]),
  ],
  "born-again": ["distill", RECIPE, "--strategy", "born-again", ...set(small)],
  mutual: ["distill", RECIPE, "--strategy", "mutual", ...set(small)],
  "noisy-student": ["distill", RECIPE, "--strategy", "noisy-student", ...set(small)],
  train: ["train", RECIPE, ...set(small)],
  resnet: ["distill", RECIPE, ...set([...small, "student.kind=resnet", "student.depth=8", "student.hidden=null"])],
  sweep: ["sweep", RECIPE, "--grid", "objective.distillation_loss.temperature=1,2", ...set(small)],
};

function set(fields) {
  return fields.flatMap((f) => ["--set", f]);
}

const [old, next, ...only] = process.argv.slice(2);
if (!old) {
  console.error("usage: npm run compare -- <old commit> [<new commit> | .] [name of a run ...]");
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), "limbeck-compare-"));
let differences = 0;
try {
  const commits = [checkout(old, "old"), next && next !== "." ? checkout(next, "new") : root];
  for (const folder of commits) node(join(folder, "scripts", "build.js"), [], folder);
  for (const [name, args] of Object.entries(RUNS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const [a, b] = commits.map((folder, i) => run(folder, args, join(scratch, `${name.replace(/\W+/g, "-")}-${i}`)));
    const found = a && b ? compare(a, b) : [`the ${a ? "new" : "old"} commit's run failed`];
    differences += found.length;
    console.log(`${name}: ${found.length === 0 ? "equal" : `${found.length} differences`}`);
    for (const line of found.slice(0, 12)) console.log(`  ${line}`);
  }
} finally {
  for (const name of ["old", "new"])
    if (existsSync(join(scratch, name)))
      spawnSync("git", ["worktree", "remove", "--force", join(scratch, name)], { cwd: root });
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = differences === 0 ? 0 : 1;

function checkout(commit, name) {
  const folder = join(scratch, name);
  execFileSync("git", ["worktree", "add", "--quiet", "--detach", folder, commit], { cwd: root });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  return folder;
}

function node(script, args, cwd) {
  return spawnSync(process.execPath, [script, ...args], { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
}

function run(folder, args, out) {
  const { status, stderr } = node(
    join(folder, "bin", "limbeck.js"),
    [...args.map((a) => (a === RECIPE ? join(folder, RECIPE) : a)), "--out", out, "--quiet"],
    scratch,
  );
  if (status === 0) return out;
  console.log(stderr.slice(0, 600));
  return null;
}

function compare(a, b) {
  return [
    ...compareFiles(a, b, "trained.safetensors"),
    ...compareFiles(a, b, "metrics.jsonl"),
    ...compareSummaries(a, b),
  ];
}

/** Trainings are named by fingerprints, which may change: what counts is that the same contents are there. */
function compareFiles(a, b, name) {
  const contents = (folder) =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .filter((f) => basename(f) === name)
      .map((f) => ({ file: f, hash: contentHash(join(folder, f)) }));
  const [first, second] = [contents(a), contents(b)];
  const hashes = [first, second].map((list) => new Set(list.map((f) => f.hash)));
  const counts = first.length === second.length ? [] : [`${first.length} and ${second.length} files ${name}`];
  return [
    ...counts,
    ...first.filter((f) => !hashes[1].has(f.hash)).map((f) => `only in the old run: ${f.file}`),
    ...second.filter((f) => !hashes[0].has(f.hash)).map((f) => `only in the new run: ${f.file}`),
  ];
}

/** Of a safetensors file its tensors alone: the metadata holds the training's duration. */
function contentHash(path) {
  const bytes = readFileSync(path);
  const hash = createHash("sha256");
  if (!path.endsWith(".safetensors")) return hash.update(bytes).digest("hex");
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, end).toString());
  return hash.update(JSON.stringify(tensors)).update(bytes.subarray(end)).digest("hex");
}

/** Scores, curves and verdicts; sentences, times and fields that only one of the two has are not compared. */
function compareSummaries(a, b) {
  const file = ["summary.json", "sweep.json"].find((f) => existsSync(join(a, f)));
  if (!file) return ["the old run wrote no summary"];
  const [first, second] = [a, b].map((folder) => JSON.parse(readFileSync(join(folder, file), "utf8")));
  const found = [];
  const walk = (x, y, path) => {
    if (/(seconds|latency|startedAt|environment|recipe|command|hash)$/i.test(path)) return;
    if (typeof x === "number" && typeof y === "number" && x !== y) found.push(`${path}: ${x} and ${y}`);
    if (typeof x !== "object" || x === null || typeof y !== "object" || y === null) return;
    for (const key of Object.keys(x)) if (key in y) walk(x[key], y[key], path ? `${path}.${key}` : key);
  };
  walk(first, second, "");
  return found;
}
