// Words that belong to other rooms: of tasks in the general engine, of the recipe's spelling outside of the recipe.
import { lineOf } from "./lint-text.js";

/** Rooms that know no task. */
const TASKLESS = /^engine\/(graph|ops|autodiff|nn|optim|random)\//;
const TASK_WORDS = new Set(["classes", "labels", "accuracy"]);

/** The words of a source in lower case, parts of camelCase and snake_case names too, with their places. */
function wordsOf(code) {
  return [...code.matchAll(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)].map((match) => ({
    word: match[0].toLowerCase(),
    at: match.index,
  }));
}

/** Task words in names and strings; comments may use them. */
export function taskWordProblems({ path, code }) {
  if (!TASKLESS.test(path)) return [];
  return wordsOf(code)
    .filter(({ word }) => TASK_WORDS.has(word))
    .map(({ word, at }) => `src/${path}:${lineOf(code, at)}: says "${word}", but this room knows no task`);
}

/** Where the recipe's spelling is at home. */
const RECIPE = /^run\/recipe\//;
/** Names in snake_case that others gave: which, and where they may be written. */
const FOREIGN_NAMES = [
  // Attributes of ONNX operators, and of ONNX Runtime's blocked layout.
  {
    in: /^engine\/(graph|ops|nn|compile|objective)\//,
    names:
      /^(activation_params|(auto|output)_pad(ding)?|batch_dims|ceil_mode|count_include_pad|input_shape|is_test|kernel_shape|noop_with_empty_axes|num_outputs|output_shape|storage_order|training_mode|value_(float|int)s?)$/,
  },
  { in: /^learn\/teacher\/askable\.ts$/, names: /^classlabels_(strings|ints|int64s)$/ },
  { in: /^engine\/runtime\/ort\.ts$/, names: /^disable_specified_optimizers$/ },
  // Files and archives: safetensors, what pandas writes into Parquet, the usual keys of an .npz, lines of metrics.jsonl.
  { in: /^learn\/train\/safetensors\.ts$/, names: /^data_offsets$/ },
  { in: /^learn\/data\/sources\/table\/parquet\.ts$/, names: /^index_columns$/ },
  { in: /^learn\/data\/sources\/npz\.ts$/, names: /^[xy]_(train|val|test)$/ },
  { in: /^learn\/train\/loop\.ts$/, names: /^gradient_(norm|share)$/ },
  // Options of packages: DuckDB, cli-progress.
  { in: /^learn\/data\/sources\/table\/duckdb\.ts$/, names: /^auto(install|load)_known_extensions$/ },
  { in: /^cli\/terminal\.ts$/, names: /^shades_classic$/ },
];
const SNAKE = /(?<![\w$])[a-z][a-zA-Z0-9]*(?:_[a-zA-Z0-9]+)+(?![\w$])/g;

/** Names in snake_case outside of the recipe: identifiers, and texts that name a property (`"x" in y`, `y["x"]`). */
export function spellingProblems({ path, text, parts, plain }) {
  if (RECIPE.test(path)) return [];
  const allowed = FOREIGN_NAMES.filter((rule) => rule.in.test(path));
  const identifiers = [...plain.matchAll(SNAKE)].map((m) => ({ name: m[0], at: m.index }));
  const keys = parts.flatMap(({ kind, start, end }) => {
    const element = /[\w$)\]]\[$/.test(plain.slice(Math.max(0, start - 2), start)) && plain[end] === "]";
    const key = kind === "string" && (element || /^\s*in\b/.test(plain.slice(end, end + 8)));
    const name = text.slice(start + 1, end - 1);
    return key && name.replace(SNAKE, "") === "" && name !== "" ? [{ name, at: start }] : [];
  });
  return [...identifiers, ...keys]
    .filter(({ name }) => !allowed.some((rule) => rule.names.test(name)))
    .map(
      ({ name, at }) => `src/${path}:${lineOf(text, at)}: "${name}" is the recipe's spelling; use the plan's camelCase`,
    );
}
