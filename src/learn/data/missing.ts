/** Fills missing values of samples once it is known which of them are for training. */
import { createHash } from "node:crypto";
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { samplePieces } from "./read.js";
import type { DataSet } from "./types.js";

/**
 * Fills each missing value (NaN) with its feature's mean over the training samples that have one, or with zero. What is
 * filled is part of the data set's hash, because another split fills in other means.
 * @param fills one for each value of a sample
 * @throws InputError for a feature that no training sample has
 */
export function fillMissing(
  data: DataSet,
  train: Uint32Array,
  fills: readonly ("mean" | "zero")[],
): { data: DataSet; missing: readonly number[] } {
  const means = presentMeans(data, train, fills);
  const samples = data.samples.slice();
  const places: number[] = [];
  for (let i = 0; i < samples.length; i++) {
    if (!Number.isNaN(samples[i] as number)) continue;
    places.push(i);
    samples[i] = means[i % fills.length] as number;
  }
  const hash = createHash("sha256")
    .update(`${data.hash} missing ${JSON.stringify(means)}`)
    .digest("hex");
  return { data: { ...data, samples, missing: Uint32Array.from(places), hash }, missing: means };
}

/** Means as float32, so that memory, graph and metadata hold the same numbers. */
function presentMeans(data: DataSet, train: Uint32Array, fills: readonly ("mean" | "zero")[]): number[] {
  const sums = new Float64Array(fills.length);
  const counts = new Float64Array(fills.length);
  for (const { samples } of samplePieces(data, train))
    for (let i = 0; i < samples.length; i++) {
      const value = samples[i] as number;
      if (Number.isNaN(value)) continue;
      const f = i % fills.length;
      sums[f] = (sums[f] as number) + value;
      counts[f] = (counts[f] as number) + 1;
    }
  return fills.map((fill, f) => {
    if (fill === "zero") return 0;
    if (counts[f] === 0) throw neverPresent(data, f);
    return Math.fround((sums[f] as number) / (counts[f] as number));
  });
}

const neverPresent = ({ name, features }: DataSet, feature: number): InputError =>
  new InputError({
    code: "value-missing",
    where: name,
    found: `no sample of the training part has a value for ${quote(features?.[feature] ?? `value ${feature}`)}, so it has no mean`,
    expected: "at least one value of each feature in the training part",
    cure: "Put the column under data.ignore, or set data.missing to drop",
  });
