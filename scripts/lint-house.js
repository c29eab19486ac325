// Holds the structure of src/ that ARCHITECTURE.md describes: wings and rooms, what may import what, and where words belong.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { functionProblems } from "./lint-functions.js";
import { kindProblems } from "./lint-kinds.js";
import { spreadProblems } from "./lint-spreads.js";
import { blanked, lineOf, partsOf } from "./lint-text.js";
import { spellingProblems, taskWordProblems } from "./lint-words.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** From the roof to the ground. A file may import its own room and the rooms of later rows; rooms of one row are strangers. */
export const ROOMS = [
  ["index.ts"],
  ["cli", "web"],
  ["app/commands", "app/doctor", "app/sweep", "app/library"],
  ["run/entries.ts"],
  ["run/strategies"],
  ["run/pipeline"],
  ["run/measure"],
  ["run/teaching"],
  ["run/students"],
  ["run/folder"],
  ["run/recipe"],
  ["learn/report"],
  ["learn/train"],
  ["learn/teacher"],
  ["learn/evaluate"],
  ["learn/data"],
  ["node"],
  ["engine/compile"],
  ["engine/objective", "engine/models"],
  ["engine/runtime"],
  ["engine/nn", "engine/optim"],
  ["engine/autodiff"],
  ["engine/ops"],
  ["engine/graph", "engine/random"],
  ["base"],
];
/** Files a room may hold; a registry with a file for each entry may hold more. */
const MOST_FILES = 25;
const REGISTRIES = new Set(["engine/ops", "engine/objective/losses"]);
const MOST_LINES = 400;
/**
 * Rules that the code does not keep everywhere yet. Where a rule is not held, `node scripts/lint-house.js --open` lists what
 * is left to do.
 */
const HELD = { spelling: true, kinds: true };
/** The browser's entry: nothing it reaches may be Node's, and these are the only packages it may use. */
const WEB_ENTRY = "web/index.ts";
const WEB_PACKAGES = /^(zod|onnx-buf|@bufbuild\/protobuf|fastest-levenshtein|onnxruntime-web)(\/|$)/;

/** The room of a file, by its path below src/. */
export function roomOf(path) {
  return ROOMS.flat().find((room) => path === room || path.startsWith(`${room}/`));
}

const rankOf = (room) => ROOMS.findIndex((row) => row.includes(room));

/**
 * What is wrong with the house.
 * @param sources Map from a file's path below src/ to its text
 * @param held which of the rules that are not kept everywhere yet count
 * @returns one sentence for each problem
 */
export function problemsOf(sources, held = HELD) {
  const files = [...sources].map(([path, text]) => fileOf(path, text));
  const imports = new Map(files.map(({ path, code }) => [path, importsOf(path, code)]));
  const problems = [];
  for (const file of files) {
    if (!file.room) problems.push(`src/${file.path}: no room of ARCHITECTURE.md; put the file into one of them`);
    else problems.push(...rankProblems(file, imports.get(file.path)));
    problems.push(...nodeProblems(file, imports.get(file.path)), ...taskWordProblems(file), ...sizeProblems(file));
    problems.push(...functionProblems(file), ...spreadProblems(file), ...productProblems(file));
    if (held.spelling) problems.push(...spellingProblems(file));
  }
  if (held.kinds) problems.push(...kindProblems(files));
  return [...problems, ...roomSizes(files), ...webProblems(files, imports)];
}

/** A file with its text as it is, without comments (`code`), and without comments and strings (`plain`). */
function fileOf(path, text) {
  const parts = partsOf(text);
  const code = blanked(text, parts, ["comment"]);
  const plain = blanked(text, parts, ["comment", "string", "pattern"]);
  return { path, text, parts, code, plain, room: roomOf(path) };
}

function importsOf(path, code) {
  const found = [];
  const pattern =
    /(?:import|export)\s+(type\s)?[^;"'`]*?from\s*"([^"]+)"|import\(\s*"([^"]+)"\s*\)|import\s+"([^"]+)"/g;
  for (const match of code.matchAll(pattern)) {
    const target = match[2] ?? match[3] ?? match[4];
    const file = target.startsWith(".") ? posix.join(posix.dirname(path), target).replace(/\.js$/, ".ts") : undefined;
    found.push({ target, file, typeOnly: match[1] !== undefined });
  }
  return found;
}

/** Types count as values do. */
function rankProblems({ path, room }, imports) {
  return imports.flatMap(({ file }) => {
    const other = file && roomOf(file);
    if (!other || other === room || rankOf(other) > rankOf(room)) return [];
    const why = rankOf(other) === rankOf(room) ? "sideways" : "upwards";
    return [`src/${path}: ${room} imports ${why} from ${other} (${file})`];
  });
}

/** The engine and the ground it stands on run in a browser as they are; what only Node has is in node/. */
function nodeProblems({ path, code }, imports) {
  if (!/^(engine|base)\//.test(path)) return [];
  const packages = imports
    .filter((i) => /^node:/.test(i.target) || (!i.typeOnly && /^onnxruntime-node/.test(i.target)))
    .map((i) => `imports ${i.target}`);
  const globals = /\b(Buffer|process)\b\s*[.(]/.test(code) ? ["uses a global of Node"] : [];
  return [...packages, ...globals].map((what) => `src/${path}: ${what}, but ${path.split("/")[0]}/ runs in a browser`);
}

function sizeProblems({ path, text }) {
  const lines = text.split("\n").length - 1;
  return lines > MOST_LINES ? [`src/${path}: ${lines} lines; at most ${MOST_LINES}`] : [];
}

/** The product of a shape's dimensions has a name. */
function productProblems({ path, text, plain }) {
  return [...plain.matchAll(/\.reduce\(\((\w+), (\w+)\) => \1 \* \2, 1\)/g)].map(
    ({ index }) =>
      `src/${path}:${lineOf(text, index)}: a product written out; use sizeOf(shape) (src/engine/graph/tensor.ts)`,
  );
}

function roomSizes(files) {
  const counts = new Map();
  for (const { path } of files) {
    const folder = path.includes("/") ? posix.dirname(path) : "";
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].flatMap(([folder, count]) =>
    count > MOST_FILES && !REGISTRIES.has(folder)
      ? [`src/${folder}: ${count} files; at most ${MOST_FILES}, or make a room of its own`]
      : [],
  );
}

function webProblems(files, imports) {
  const code = new Map(files.map((f) => [f.path, f.code]));
  const problems = [];
  const reached = new Set();
  const walk = (path, from) => {
    if (reached.has(path) || !code.has(path)) return;
    reached.add(path);
    const trail = [...from, path];
    const say = (what) => problems.push(`src/${path}: ${what}, but the browser reaches it (${trail.join(" > ")})`);
    if (/\b(Buffer|process|__dirname|require)\b\s*[.(]/.test(code.get(path))) say("uses a global of Node");
    for (const { target, file, typeOnly } of imports.get(path)) {
      if (typeOnly) continue;
      if (file) walk(file, trail);
      else if (!WEB_PACKAGES.test(target)) say(`imports ${target}`);
    }
  };
  walk(WEB_ENTRY, []);
  return problems;
}

export function readSources(folder = join(root, "src")) {
  return new Map(
    readdirSync(folder, { recursive: true })
      .map((entry) => String(entry).split(sep).join("/"))
      .filter((path) => path.endsWith(".ts"))
      .map((path) => [path, readFileSync(join(folder, path), "utf8")]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = process.argv.includes("--open");
  const problems = problemsOf(readSources(), all ? { spelling: true, kinds: true } : HELD);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
  console.log("house: every import points down, every room keeps to its size and its words");
}
