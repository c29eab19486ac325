/** What a classifier's outputs are: which one holds its scores, what these are, and what they are called. */
import { InputError } from "../../base/errors.js";
import { isFloat } from "../../engine/graph/tensor.js";
import type { SessionValue } from "../../engine/runtime/session-types.js";
import type { Teacher } from "./types.js";

/** What rounding, in float16 too, may take from a sum of 1. */
const TOLERANCE = 1e-2;

/** The names, for messages. */
export const listed = (values: readonly { readonly name: string }[]): string =>
  values.map((v) => `"${v.name}"`).join(", ");

/**
 * The outputs that may hold the scores, going by what the model declares: the one named, else those that have a number for each
 * class, else those with one number a sample, which is enough for two classes.
 * @param classes how many are expected; 0: unknown
 * @throws InputError when there is none
 */
export function possibleOutputs(
  path: string,
  values: readonly SessionValue[],
  wanted: string | undefined,
  classes: number,
): readonly SessionValue[] {
  const named = wanted === undefined ? values : values.filter((v) => v.name === wanted);
  if (named.length === 0)
    throw new InputError({
      code: "model-output",
      where: "teacher.output",
      found: `${path} has no output "${wanted}"`,
      expected: `one of ${listed(values)}`,
      cure: "Name an output that the model has, or leave it out",
    });
  const scores = named.filter((v) => isFloat(v.dtype));
  if (scores.length === 0)
    throw new InputError({
      code: "model-output",
      where: path,
      found:
        named.length === 1
          ? `its output "${named[0]?.name}" holds ${named[0]?.dtype}`
          : `none of its outputs (${listed(named)}) holds float values`,
      expected: "an output with a float score for each class",
      cure: "Take the output before class numbers are picked or scores are quantised; class numbers alone teach nothing beyond labels",
    });
  if (wanted !== undefined) return scores;
  const rows = scores.filter(({ shape }) => shape.length === 0 || (shape.length === 2 && may(shape[1], classes)));
  const single = scores.filter(({ shape }) => shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  if (rows.length > 0) return rows;
  return single.length > 0 && (classes === 2 || classes === 0) ? single : scores;
}

const may = (dim: number | string | undefined, classes: number): boolean =>
  typeof dim !== "number" || dim <= 0 || (classes === 0 ? dim > 1 : dim === classes);

/** Probabilities are non-negative rows that sum to 1; everything else is logits. A single value a sample is one of two classes'. */
export function detectKind(answers: Float32Array, width: number): "logits" | "probabilities" {
  if (width === 1) return answers.every((v) => v >= 0 && v <= 1) ? "probabilities" : "logits";
  for (let i = 0; i < answers.length; i += width) {
    const row = answers.subarray(i, i + width);
    const sum = row.reduce((s, v) => s + v, 0);
    if (row.some((v) => v < 0) || Math.abs(sum - 1) > TOLERANCE) return "logits";
  }
  return "probabilities";
}

/** Two columns from one value a sample: p as [1 - p, p], a logit z as [0, z], whose softmax is the sigmoid of z. */
export function twoClasses(values: Float32Array, kind: Teacher["kind"]): Float32Array {
  const rows = new Float32Array(values.length * 2);
  values.forEach((v, i) => {
    rows[2 * i] = kind === "probabilities" ? Math.max(0, 1 - v) : 0;
    rows[2 * i + 1] = v;
  });
  return rows;
}

/** What is to be said of its outputs. @param wanted what they are called @param seenAs what they look like */
export function outputNotes(
  kind: Teacher["kind"],
  wanted: "auto" | Teacher["kind"],
  answers: Float32Array,
  seenAs: Teacher["kind"],
): string[] {
  if (wanted === "logits" && seenAs === "probabilities")
    return [
      "its outputs are declared as logits, but they are non-negative and sum to 1 for every sample, as after a softmax. A second softmax makes them nearly uniform. Set teacher.outputs to auto or probabilities, or set teacher.output to the scores before the softmax",
    ];
  if (wanted !== "auto") return [`its outputs are ${kind}`];
  const notes = [`its outputs are ${kind} (detected from the data; teacher.outputs overrides)`];
  if (kind === "logits" && answers.every((v) => v >= 0 && v <= 1))
    notes.push(
      "all of them are between 0 and 1 but do not sum to 1 per sample, like sigmoids. Softened, they hardly distinguish classes. If the model has the scores before the sigmoids, set teacher.output to them",
    );
  return notes;
}

const SINGLE = "it has one value per sample";

/** Whether a note says that one value a sample stands for two classes. */
export const isSingleNote = (note: string): boolean => note.startsWith(SINGLE);

/** What is to be said where one value a sample stands for two classes. @param names of the classes, in the model's order */
export function singleNotes(
  kind: Teacher["kind"],
  wanted: "auto" | Teacher["kind"],
  names: readonly string[],
): string[] {
  const [first = "0", second = "1"] = names;
  const how = wanted === "auto" ? " (detected from the data; teacher.outputs overrides)" : "";
  return [
    kind === "probabilities"
      ? `${SINGLE}: limbeck reads it as the probability of "${second}", and the remainder as that of "${first}"${how}`
      : `${SINGLE}: limbeck reads it as the logit of "${second}" vs. "${first}", before a sigmoid${how}`,
  ];
}

/** Scores called probabilities would lose all that is below 0. */
export function checkProbabilities(path: string, answers: Float32Array, some: Uint32Array): void {
  const bad = answers.findIndex((v) => v < -TOLERANCE || v > 1 + TOLERANCE);
  if (bad < 0) return;
  const sample = some[Math.floor((bad * some.length) / answers.length)];
  throw new InputError({
    code: "model-output",
    where: "teacher.outputs",
    found: `probabilities are asked for, but ${path} answers ${answers[bad]} for sample ${sample}`,
    expected: "values between 0 and 1",
    cure: "Set it to logits or auto, or name the output that holds probabilities with teacher.output",
  });
}

/** Probabilities given that it is one of the classes kept, in place; even where the model rules all of them out. */
export function conditional(rows: Float32Array, classes: number): void {
  for (let from = 0; from < rows.length; from += classes) {
    const row = rows.subarray(from, from + classes);
    const mass = row.reduce((sum, v) => sum + v, 0);
    for (let c = 0; c < classes; c++) row[c] = mass > 0 ? (row[c] as number) / mass : 1 / classes;
  }
}
