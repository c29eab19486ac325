/** Inner values of a model by name: what feature losses compare. Names are those of tensors or of nodes; * is any text. */

import { InputError } from "../../base/errors.js";
import { nearestOf } from "../graph/nearest.js";
import { quote } from "../../base/quote.js";

/** A value inside a model. */
export interface FeatureInfo {
  /** The tensor's name. */
  readonly name: string;
  /** Name of the node that gives it; "" when it has none. */
  readonly node: string;
}

/** A layer of the student and the layer of its teacher it is to be like. */
export interface LayerPair {
  /** Tensor or node of the student; a pattern may stand for several. */
  readonly student: string;
  /** Tensor or node of the teacher; as many as of the student, in the order of its graph. */
  readonly teacher: string;
}

/** Names shown in messages at most. */
const SHOWN = 12;

/**
 * The features a name or pattern means: the tensor of that name, else the node's, else all that the pattern matches, in
 * the order given.
 * @param where whose features, for messages: "student"
 * @throws InputError with what is near, or what there is
 */
export function matchFeatures<F extends FeatureInfo>(pattern: string, features: readonly F[], where: string): F[] {
  const exact = features.find((f) => f.name === pattern) ?? features.find((f) => f.node === pattern);
  if (exact) return [exact];
  if (pattern.includes("*")) {
    const matches = globOf(pattern);
    const found = features.filter((f) => matches(f.name) || (f.node !== "" && matches(f.node)));
    if (found.length > 0) return found;
  }
  const names = features.map((f) => f.name);
  const near = nearestOf(pattern, [...new Set([...names, ...features.map((f) => f.node)])]);
  const listed = names.slice(0, SHOWN).join(", ") + (names.length > SHOWN ? `, ... (${names.length} in all)` : "");
  throw new InputError({
    code: "layer-missing",
    where,
    found: `no tensor or node matches ${quote(pattern)}`,
    expected: listed ? `one of ${listed}` : "a model with layers; it has none",
    cure: near ? `Did you mean ${quote(near)}?` : "Run limbeck inspect MODEL --features for the names and shapes",
  });
}

/** Tells whether a name fits a pattern in which * stands for any text. */
function globOf(pattern: string): (name: string) => boolean {
  const literal = (s: string): string => s.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const regex = new RegExp(`^${pattern.split("*").map(literal).join(".*")}$`);
  return (name) => regex.test(name);
}

/** What two patterns pair up. @throws InputError when they do not stand for the same number of features */
export function pairFeatures<S extends FeatureInfo, T extends FeatureInfo>(
  pair: LayerPair,
  student: readonly S[],
  teacher: readonly T[],
): [S, T][] {
  const left = matchFeatures(pair.student, student, "student");
  const right = matchFeatures(pair.teacher, teacher, "teacher");
  if (left.length !== right.length) {
    const names = (found: readonly FeatureInfo[]): string =>
      found
        .slice(0, SHOWN)
        .map((f) => f.name)
        .join(", ") + (found.length > SHOWN ? ", ..." : "");
    throw new InputError({
      code: "array-mismatch",
      where: "objective.terms",
      found:
        `${quote(pair.student)} matches ${left.length} of the student's layers (${names(left)}) ` +
        `and ${quote(pair.teacher)} ${right.length} of the teacher's (${names(right)})`,
      expected: "the same number on both sides",
      cure: "Name the pairs one by one",
    });
  }
  return left.map((s, i) => [s, right[i] as T]);
}

/**
 * The shape of a feature with the batch first, [batch, ...]: rows of several samples that are one matrix ([batch * tokens,
 * width]) are taken apart again.
 * @throws InputError when the batch does not divide its first dimension
 */
export function perSample(shape: readonly number[], batch: number, name: string): number[] {
  const [first = 0, ...rest] = shape;
  if (first === batch) return [batch, ...rest];
  if (first === 0 || first % batch !== 0)
    throw new InputError({
      code: "model-unsupported",
      where: `feature ${quote(name)}`,
      found: `it is [${shape}] for ${batch} samples`,
      expected: "the samples in its first dimension",
      cure: "Name another layer",
    });
  return [batch, first / batch, ...rest];
}
