// Holds the layering of the source folders: imports point downwards only, and the core imports nothing of Node.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { spreadProblems } from "./lint-spreads.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(root, "src");

// From the top of the building to its ground floor. A folder may import itself and what stands after it.
const LAYERS = [
  "cli",
  "web",
  "strategy",
  "recipe",
  "report",
  "train",
  "teacher",
  "evaluate",
  "data",
  "compile",
  "objective",
  "models",
  "optim",
  "nn",
  "autodiff",
  "ops",
  "runtime",
  "graph",
  "random",
];
// Types only may be imported from here by anyone: the contracts between layers.
const CONTRACTS = /(^|\/)(types|config|spec)\.js$/;
const NODE_FREE = new Set(["graph", "ops", "autodiff", "compile", "objective", "optim", "random", "nn", "models"]);
// The one place where graph/ touches the disk: loading and saving files for Node.
const NODE_ALLOWED = new Set(["graph/file.ts"]);
const ROOT_FREE = new Set([
  "errors.ts",
  "error-codes.ts",
  "extremes.ts",
  "names.ts",
  "noun.ts",
  "quote.ts",
  "secrets.ts",
]);
// The browser's entry. Nothing it reaches may be Node's, and these are the only packages it may use.
const WEB_ENTRY = "web/index.ts";
const WEB_PACKAGES = /^(zod|onnx-buf|@bufbuild\/protobuf|fastest-levenshtein|onnxruntime-web)(\/|$)/;

const problems = [];
/** Values each file imports, by path. */
const imports = new Map();
const sources = new Map();
for (const entry of readdirSync(src, { recursive: true })) {
  const path = String(entry).split(sep).join("/");
  if (!path.endsWith(".ts")) continue;
  const layer = path.includes("/") ? path.split("/")[0] : "";
  if (layer && !LAYERS.includes(layer)) problems.push(`src/${path}: folder "${layer}" is not in the list of layers`);
  const text = readFileSync(join(src, path), "utf8");
  // In a template literal they compile.
  if (/^(<{7}|>{7}) /m.test(text)) problems.push(`src/${path}: a marker of a merge conflict`);
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  sources.set(path, code);
  imports.set(path, []);
  for (const match of code.matchAll(
    /(?:import|export)\s+(type\s)?[^;"'`]*?from\s*"([^"]+)"|import\(\s*"([^"]+)"\s*\)|import\s+"([^"]+)"/g,
  )) {
    const typeOnly = Boolean(match[1]);
    const target = match[2] ?? match[3] ?? match[4];
    if (!typeOnly) imports.get(path).push(target);
    check(path, layer, target, typeOnly);
  }
  if (NODE_FREE.has(layer) && !NODE_ALLOWED.has(path) && /\b(Buffer|process)\b\s*[.(]/.test(code))
    problems.push(`src/${path}: uses a Node global, but ${layer}/ must run in a browser`);
}

function check(path, layer, target, typeOnly) {
  if (!target.startsWith(".")) {
    const node = target.startsWith("node:") || target.startsWith("onnxruntime-node");
    if (node && NODE_FREE.has(layer) && !NODE_ALLOWED.has(path))
      problems.push(`src/${path}: imports ${target}, but ${layer}/ must run in a browser`);
    return;
  }
  const file = relative(src, join(src, dirname(path), target))
    .split(sep)
    .join("/");
  const other = file.includes("/") ? file.split("/")[0] : "";
  if (!other) {
    const name = file.replace(/\.js$/, ".ts");
    if (NODE_FREE.has(layer) && !NODE_ALLOWED.has(path) && !ROOT_FREE.has(name) && !typeOnly)
      problems.push(`src/${path}: imports src/${name}, which is for Node`);
    return;
  }
  if (other === layer || layer === "") return;
  if (typeOnly && CONTRACTS.test(file)) return;
  if (LAYERS.indexOf(other) < LAYERS.indexOf(layer))
    problems.push(`src/${path}: ${layer}/ imports upwards from ${other}/ (${target})`);
  if (NODE_FREE.has(layer) && !NODE_ALLOWED.has(path) && !NODE_FREE.has(other) && !typeOnly)
    problems.push(`src/${path}: ${layer}/ must run in a browser, but imports ${target}`);
}

const reached = new Set();
function walk(path, from) {
  if (reached.has(path)) return;
  reached.add(path);
  const trail = [...from, path];
  const says = (what) => problems.push(`src/${path}: ${what}, but the browser reaches it (${trail.join(" > ")})`);
  if (/\b(Buffer|process|__dirname|require)\b\s*[.(]/.test(sources.get(path))) says("uses a Node global");
  for (const target of imports.get(path)) {
    if (target.startsWith(".")) walk(join(dirname(path), target).split(sep).join("/").replace(/\.js$/, ".ts"), trail);
    else if (!WEB_PACKAGES.test(target)) says(`imports ${target}`);
  }
}
walk(WEB_ENTRY, []);
problems.push(...spreadProblems());

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log("layers: every import points downwards; no values are spread into a call");
