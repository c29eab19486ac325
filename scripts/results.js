// Runs the recipes of recipes/results, keeps their figures, and writes the generated parts of docs/results.md.
//   npm run results                writes docs/results.md from recipes/results/measured/*.json
//   npm run results -- --run       first runs what has not been run (resumable), or the names given: --run few-labels
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const recipes = join(root, "recipes", "results");
const measured = join(recipes, "measured");
const page = join(root, "docs", "results.md");

/** Student's t, two-sided 95 %, by degrees of freedom. */
const T95 = [Number.NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

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
  if (!existsSync(join(folder, "summary.json"))) limbeck("distill", join(recipes, `${name}.yaml`), ...resume(folder));
}

/** The figures of a finished run that the page needs, small enough to be committed. */
function keep(name) {
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
      seeds: m.seeds.map((x) => ({ seed: x.seed, accuracy: x.accuracy })),
    })),
    comparisons: comparisons.map(({ advice: _, ...c }) => c),
  };
  writeFileSync(join(measured, `${name}.json`), `${JSON.stringify(kept, null, 1)}\n`);
}

/** The page with what lies between <!-- name --> and <!-- end --> made anew. */
export function generated(text) {
  return text.replace(/(<!-- results: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (whole, open, name, close) => {
    const file = join(measured, `${name}.json`);
    if (!existsSync(file)) return whole;
    return `${open}${table(JSON.parse(readFileSync(file, "utf8")))}${close}`;
  });
}

const signed = (v) => `${v > 0 ? "+" : ""}${v.toFixed(1)}`.replace(/^[+-]0\.0$/, "0.0");
const share = (a) =>
  a ? `${(100 * a.mean).toFixed(1)}${a.low === null ? "" : ` ± ${((100 * (a.high - a.low)) / 2).toFixed(1)}`}` : "";

function table(run) {
  const { models, comparisons, environment: env, counts, durationSeconds } = run;
  const reference = models.find((m) => m.role === "student" && m.variant === "");
  const students = models.filter((m) => m.role === "student");
  const teacher = models.find((m) => m.role === "teacher");
  const baseline = models.find((m) => m.role === "baseline");
  const title = (m) => m.variant || firstTitle(run);
  const lines = students.map((m) => {
    const c = comparisons.find((x) => x.student === m.name);
    const own = c?.points === undefined ? "" : `${signed(c.points)} (${signed(c.low)} to ${signed(c.high)})`;
    const rival = m === reference ? null : paired(m, reference);
    return {
      accuracy: m.accuracy.mean,
      text: `| ${title(m)} | ${share(m.accuracy)} | ${own} | ${c?.verdict ?? ""} | ${rival ? `${signed(rival.mean)} (${signed(rival.low)} to ${signed(rival.high)})` : ""} | ${share(m.agreement)} | ${m.softKL?.mean.toFixed(3) ?? ""} | ${m.ece?.mean.toFixed(3) ?? ""} |`,
    };
  });
  lines.sort((a, b) => b.accuracy - a.accuracy);
  return [
    `Teacher ${share(teacher?.accuracy)} %; baseline (labels alone) ${share(baseline?.accuracy)} %; ${baseline?.seeds.length} seeds, ${counts.test.toLocaleString("en-US")} test images.`,
    `limbeck ${run.limbeck}, ONNX Runtime ${env["onnxruntime-node"]}, Node ${env.node}, ${env.cpu} (${env.cores} cores), ${Math.round(durationSeconds / 60)} minutes with other work beside it.`,
    "",
    `| student | accuracy (%) | points against labels alone (95 %) | verdict | points against ${firstTitle(run)} (95 %) | agreement (%) | soft KL | ECE |`,
    "|---|---|---|---|---|---|---|---|",
    ...lines.map((l) => l.text),
    "",
    ...claims(run, reference, students),
    "",
  ].join("\n");
}

const firstTitle = (run) => (run.name === "few-labels" ? "kd T 4" : "student");

/** Mean difference of two models over their common seeds with its 95 % t interval, in points. */
function paired(a, b) {
  const differences = a.seeds.flatMap((s) => {
    const other = b.seeds.find((x) => x.seed === s.seed);
    return other ? [100 * (s.accuracy - other.accuracy)] : [];
  });
  const n = differences.length;
  const mean = differences.reduce((x, v) => x + v, 0) / n;
  const variance = differences.reduce((x, v) => x + (v - mean) ** 2, 0) / (n - 1);
  const half = (T95[n - 1] ?? 1.96) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half };
}

/** What each paper says of its loss against plain kd, and what these figures say. */
const CLAIMS = [
  ["standardised kd", "logit standardisation (Sun 2024) improves kd"],
  ["dkd", "dkd (Zhao 2022) beats kd"],
  ["nkd", "nkd (Yang 2023) beats kd"],
  ["dist", "dist (Huang 2022) beats kd"],
  ["kd T 1", "a raised temperature (Hinton 2015) beats T 1"],
];

function claims(run, reference, students) {
  if (run.name !== "few-labels") return [];
  return CLAIMS.flatMap(([variant, claim]) => {
    const found = students.find((m) => m.variant === variant);
    if (!found) return [];
    const { mean, low, high } = paired(found, reference);
    const turned = variant === "kd T 1" ? -1 : 1;
    const held = turned * mean > 0 && low * high > 0;
    const opposite = turned * mean < 0 && low * high > 0;
    return [`- ${claim}: ${held ? "held here" : opposite ? "the opposite here" : "not measurable here"}.`];
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
