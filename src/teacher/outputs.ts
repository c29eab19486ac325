/** What a classifier's outputs are: found out from its answers, and held against what they are called. */
import { InputError } from "../errors.js";
import type { Teacher } from "./types.js";

/** What rounding, in float16 too, may take from a sum of 1. */
const TOLERANCE = 1e-2;

/** Probabilities are non-negative rows that sum to 1; everything else is logits. */
export function detectKind(answers: Float32Array, classes: number): "logits" | "probabilities" {
  for (let i = 0; i < answers.length; i += classes) {
    const row = answers.subarray(i, i + classes);
    const sum = row.reduce((s, v) => s + v, 0);
    if (row.some((v) => v < 0) || Math.abs(sum - 1) > TOLERANCE) return "logits";
  }
  return "probabilities";
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
      "its outputs are called logits, and yet they are at least 0 and add up to 1 in every sample, as after a softmax: a second softmax makes them nearly uniform. Set teacher.outputs to auto or probabilities, or name the scores before the softmax with teacher.output",
    ];
  if (wanted !== "auto") return [`its outputs are ${kind}`];
  const notes = [`its outputs are ${kind} (seen from the data; teacher.outputs overrides)`];
  if (kind === "logits" && answers.every((v) => v >= 0 && v <= 1))
    notes.push(
      "all of them lie between 0 and 1 without adding up to 1 in a sample, as sigmoids do: softened, they hardly tell classes apart. If the model has the scores before them, name those with teacher.output",
    );
  return notes;
}

/** Scores called probabilities would lose all that is below 0. */
export function checkProbabilities(path: string, answers: Float32Array, some: Uint32Array): void {
  const bad = answers.findIndex((v) => v < -TOLERANCE || v > 1 + TOLERANCE);
  if (bad < 0) return;
  const sample = some[Math.floor((bad * some.length) / answers.length)];
  throw new InputError(
    "teacher.outputs",
    `found probabilities, but ${path} answers ${answers[bad]} for sample ${sample}; probabilities lie between 0 and 1. Say logits or auto, or name the output that holds probabilities with teacher.output`,
  );
}

/** Probabilities given that it is one of the classes kept, in place; even where the model rules all of them out. */
export function conditional(rows: Float32Array, classes: number): void {
  for (let from = 0; from < rows.length; from += classes) {
    const row = rows.subarray(from, from + classes);
    const mass = row.reduce((sum, v) => sum + v, 0);
    for (let c = 0; c < classes; c++) row[c] = mass > 0 ? (row[c] as number) / mass : 1 / classes;
  }
}
