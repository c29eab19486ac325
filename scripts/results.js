// Runs the recipes of recipes/results, keeps their figures, and writes the generated parts of docs/results.md.
//   npm run results                writes docs/results.md from recipes/results/measured/*.json
//   npm run results -- --run       first runs what has not been run (resumable), or the names given: --run few-labels
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { tableOf } from "./results-tables.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const recipes = join(root, "recipes", "results");
const measured = join(recipes, "measured");
const page = join(root, "docs", "results.md");

function main() {
  const args = process.argv.slice(2);
  if (args[0] === "--run") for (const name of args.length > 1 ? args.slice(1) : recipeNames()) run(name);
  mkdirSync(measured, { recursive: true });
  for (const name of recipeNames()) keep(name);
  const text = generated(readFileSync(page, "utf8"));
  writeFileSync(page, text);
  console.log("docs/results.md");
}

const recipeNames = () =>
  readdirSync(recipes)
    .filter((f) => f.endsWith(".yaml") && f !== "teacher.yaml")
    .map((f) => f.replace(/\.yaml$/, ""))
    .sort();

const folderOf = (name) => join(root, "runs", "results", name);

function run(name) {
  const limbeck = (...args) => {
    const { status } = spawnSync(process.execPath, [join(root, "bin", "limbeck.js"), ...args], { stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
  };
  const resume = (folder) => (existsSync(folder) ? ["--resume", folder] : ["--out", folder]);
  const teacher = folderOf("teacher");
  if (!existsSync(join(teacher, "model.onnx")))
    limbeck("train", join(recipes, "teacher.yaml"), "--model", "teacher", ...resume(teacher));
  const folder = folderOf(name);
  const recipe = join(recipes, `${name}.yaml`);
  const swept = /^sweep:/m.test(readFileSync(recipe, "utf8"));
  if (existsSync(join(folder, swept ? "sweep.json" : "summary.json"))) return;
  limbeck(swept ? "sweep" : "distill", recipe, ...resume(folder));
}

/** The figures of a finished run that the page needs, small enough to be committed. */
function keep(name) {
  keepSweep(name);
  const file = join(folderOf(name), "summary.json");
  if (!existsSync(file)) return;
  const s = JSON.parse(readFileSync(file, "utf8"));
  const { limbeck, environment, durationSeconds, data, models, comparisons } = s;
  const kept = {
    name,
    limbeck,
    environment,
    durationSeconds: Math.round(durationSeconds),
    counts: data.counts,
    models: models.map((m) => ({
      name: m.name,
      variant: m.variant,
      role: m.role,
      parameters: m.parameters,
      trainedOn: m.trainedOn,
      accuracy: m.accuracy,
      agreement: m.agreement,
      softKL: m.softKL,
      ece: m.ece,
      omitted: m.omitted,
      seeds: m.seeds.map((x) => ({ seed: x.seed, accuracy: x.accuracy })),
    })),
    comparisons: comparisons.map(({ advice: _, ...c }) => c),
    ...(s.strategy
      ? {
          kind: s.strategy.kind,
          hops: s.strategy.hops.map((h) => ({ title: h.title, seconds: Math.round(h.seconds) })),
        }
      : {}),
    robustness: s.robustness?.models.map((m) => ({ id: m.id, error: m.meanError.mean, mCE: m.mCE?.mean })),
  };
  write(name, kept);
}

function keepSweep(name) {
  const file = join(folderOf(name), "sweep.json");
  if (!existsSync(file)) return;
  const { limbeck, durationSeconds, validationSamples, seeds, fields, rows } = JSON.parse(readFileSync(file, "utf8"));
  write(name, {
    name,
    limbeck,
    durationSeconds: Math.round(durationSeconds),
    validationSamples,
    seeds,
    fields: fields.map(({ path, values }) => ({ path, values })),
    rows: rows.map((row) => ({
      values: row.values,
      score: row.score,
      error: row.error,
      seeds: row.seeds.map((x) => ({ seed: x.seed, accuracy: x.score })),
    })),
  });
}

function write(name, kept) {
  writeFileSync(join(measured, `${name}.json`), `${JSON.stringify(kept, null, 1)}\n`);
}

/** The page with what lies between <!-- name --> and <!-- end --> made anew. */
export function generated(text) {
  return text.replace(/(<!-- results: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (whole, open, name, close) => {
    const file = join(measured, `${name}.json`);
    if (!existsSync(file)) return whole;
    const run = JSON.parse(readFileSync(file, "utf8"));
    return `${open}${tableOf(run)}${close}`;
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
