/** Several teachers as one. Mean of probabilities, of logits and of losses are three different things. */
import { InputError } from "../../../base/errors.js";
import { logProbabilities } from "../../evaluate/metrics.js";
import { noun } from "../../../base/noun.js";
import { quote } from "../../../base/quote.js";
import type { TeacherMember } from "../taught.js";
import { mergeAnswers } from "./merge.js";
import type { Teacher } from "../types.js";

/** How the answers of a group become one. */
export type Combination = "mean-probabilities" | "mean-logits" | "merge";

/** Answers of one teacher, [samples, classes]. */
export interface MemberAnswers {
  /** Indices of the classes it knows; absent: all. */
  readonly knows?: readonly number[] | undefined;
  readonly kind: Teacher["kind"];
  readonly values: Float32Array;
}

/**
 * The weighted mean over teachers of softmax(z_k) (or of the probabilities they give), or of their logits z_k; with merge the
 * distribution over all classes that comes nearest to what each says of its own (merge.ts).
 * @param weights one a teacher, summing to 1; or one a sample and teacher, [samples, teachers]
 * @returns [samples, classes]: probabilities, or logits for mean-logits
 * @throws InputError when logits are asked of a teacher that gives probabilities
 */
export function combineAnswers(
  members: readonly MemberAnswers[],
  combination: Combination,
  weights: ArrayLike<number>,
  classes: number,
): Float32Array {
  const count = members.length;
  if (combination === "merge")
    return mergeAnswers(
      members.map(({ kind, values, knows }, k) => ({
        name: `teacher ${k + 1}`,
        kind,
        values,
        ...(knows ? { knows } : {}),
      })),
      Array.from(weights),
      classes,
    );
  const partial = members.findIndex((m) => m.knows);
  if (partial >= 0)
    throw new InputError({
      code: "option-conflict",
      where: `teacher ${partial + 1} of the group`,
      found: "it knows only part of the classes, and a mean would take the others for impossible",
      cure: "Set combine: merge",
    });
  const length = members[0]?.values.length ?? 0;
  const bySample = weights.length !== count;
  const sums = new Float64Array(length);
  const row = new Float64Array(classes);
  members.forEach(({ kind, values }, k) => {
    if (combination === "mean-logits" && kind !== "logits")
      throw new InputError({
        code: "option-conflict",
        where: `teacher ${k + 1} of the group`,
        found: "it gives probabilities, which leave the logits open up to a constant per sample",
        cure: "Set combine: mean-probabilities",
      });
    for (let at = 0; at < length; at += classes) {
      const weight = weights[bySample ? (at / classes) * count + k : k] as number;
      const whole = combination === "mean-probabilities" && kind === "logits";
      if (whole) logProbabilities(values, at / classes, classes, kind, 1, row);
      for (let c = 0; c < classes; c++) row[c] = whole ? Math.exp(row[c] as number) : (values[at + c] as number);
      for (let c = 0; c < classes; c++) sums[at + c] = (sums[at + c] as number) + weight * (row[c] as number);
    }
  });
  return Float32Array.from(sums);
}

/** Weights that sum to 1. @throws InputError when they are not one positive number a teacher */
export function fixedWeights(weights: readonly number[] | undefined, teachers: number): number[] {
  if (weights === undefined) return Array<number>(teachers).fill(1 / teachers);
  if (weights.length !== teachers || !weights.every((w) => Number.isFinite(w) && w > 0))
    throw new InputError({
      code: "array-mismatch",
      where: "teacher.weights",
      found: `found ${quote(weights)} for ${noun(teachers, "teacher")}`,
      expected: "one number above 0 per teacher",
    });
  const sum = weights.reduce((a, w) => a + w, 0);
  return weights.map((w) => w / sum);
}

/**
 * Weights a sample by how well each teacher knows its label: w_k(x) = (1 - softmax_k(CE_k(x))) / (K - 1), CE_k the
 * cross-entropy of teacher k with the label at T = 1. Zhang, Chen & Wang, ICASSP 2022 (CA-MKD), arXiv:2201.00007, equation 3.
 * A sample without a label weighs its teachers alike.
 * @param labels [samples], -1 where there is none or where it may not be used
 * @returns [samples, teachers]
 */
export function confidenceWeights(
  members: readonly MemberAnswers[],
  labels: ArrayLike<number>,
  classes: number,
): Float64Array {
  const count = members.length;
  if (count < 2)
    throw new InputError({
      code: "option-conflict",
      where: "teacher.weights",
      found: "weights by confidence compare teachers, and there is one",
      expected: "at least 2 teachers",
    });
  const out = new Float64Array(labels.length * count).fill(1 / count);
  const row = new Float64Array(classes);
  const losses = new Float64Array(count);
  const shares = new Float64Array(count);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (label < 0) continue;
    members.forEach(({ kind, values }, k) => {
      losses[k] = -(logProbabilities(values, i, classes, kind, 1, row)[label] as number);
    });
    logProbabilities(losses, 0, count, "logits", 1, shares);
    for (let k = 0; k < count; k++) out[i * count + k] = (1 - Math.exp(shares[k] as number)) / (count - 1);
  }
  return out;
}

/** How much each teacher counts: one number for all samples, or by how well it knows the label of each (-1: unknown). */
export type MemberWeights = readonly number[] | { readonly labels: ArrayLike<number> };

/** A teacher of a group whose answers are looked up by sample. */
export interface StoredMember extends Pick<TeacherMember, "kind" | "gather">, Pick<MemberAnswers, "knows"> {}

/**
 * Combined answers [indices.length, classes] of these samples, for members whose answers are looked up: what
 * `combineAnswers` of all answers has in these rows.
 */
export function combineRows(
  members: readonly StoredMember[],
  combination: Combination,
  weights: MemberWeights,
  classes: number,
  indices: Uint32Array,
): Float32Array {
  const answers = members.map((m): MemberAnswers => {
    const values = new Float32Array(indices.length * classes);
    m.gather(indices, values);
    return { kind: m.kind, values, knows: m.knows };
  });
  if (!("labels" in weights)) return combineAnswers(answers, combination, weights, classes);
  const labels = Int32Array.from(indices, (i) => weights.labels[i] as number);
  return combineAnswers(answers, combination, confidenceWeights(answers, labels, classes), classes);
}

/** "mean of probabilities of 2 teachers: a, b". */
export function groupName(names: readonly string[], combine: string): string {
  if (combine === "merge") return `merged answers of ${names.length} teachers: ${names.join(", ")}`;
  if (combine === "draw") return `one drawn per batch from ${names.length} teachers: ${names.join(", ")}`;
  return `${combine.replace("mean-", "mean of ")} of ${names.length} teachers: ${names.join(", ")}`;
}
