/** Whether the parts of a source agree about the classes. Nothing here is Node's. */
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import { differenceWords, nearEqualNames } from "./class-names.js";
import type { DataFinding } from "../findings.js";
import type { CountedPart } from "./label-parts.js";
import { listed } from "../words.js";

/**
 * Where a source has parts of its own, a class is written in one way and has training samples.
 * @param given whether the recipe lists the classes, which accepts what it lists
 * @throws InputError naming the pair that is alike, or the class that the training part lacks
 */
export function comparePartClasses(parts: readonly CountedPart[], given: boolean, findings: DataFinding[]): void {
  const [training, ...others] = parts as [CountedPart, ...CountedPart[]];
  const judging = others.filter((p) => p.counts.size > 0);
  if (judging.length === 0 || training.counts.size === 0) return;
  if (!given) refuseAlike([training, ...judging]);
  for (const part of judging) {
    const unseen = [...part.counts.keys()].filter((name) => !training.counts.has(name));
    if (unseen.length > 0 && !given) throw unseenError(part, unseen);
    const absent = [...training.counts.keys()].filter((name) => !part.counts.has(name));
    if (absent.length > 0) findings.push(absentFinding(part, absent));
  }
}

function refuseAlike(parts: readonly CountedPart[]): void {
  const names = new Set<string>();
  for (const { counts } of parts) for (const name of counts.keys()) names.add(name);
  const pairs = nearEqualNames(names);
  const [pair] = pairs;
  if (!pair) return;
  const homeOf = (name: string): string =>
    parts
      .filter((p) => p.counts.has(name))
      .map((p) => `${p.name} part: ${p.counts.get(name)}`)
      .join(", ");
  const where = parts.find((p) => p.counts.has(pair.other))?.where as string;
  throw new InputError({
    code: "class-duplicate",
    where,
    found: `the classes ${quote(pair.first)} (${homeOf(pair.first)}) and ${quote(pair.other)} (${homeOf(pair.other)}) differ only by ${differenceWords(pair)}${pairs.length > 1 ? `, and ${noun(pairs.length - 1, "more pair")} like them` : ""}`,
    expected: "one name for one class in all parts",
    cure: "Write the name in one way, or list both in data.classes if they are two classes",
  });
}

/** With what cannot be seen written out. */
const quote = (name: string): string =>
  `"${name.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)}"`;

function unseenError(part: CountedPart, unseen: readonly string[]): InputError {
  const [name] = unseen as [string];
  const more =
    unseen.length > 1 ? `, and so ${unseen.length === 2 ? "is" : "are"} ${listed(unseen.slice(1).map(quote))}` : "";
  return new InputError({
    code: "class-unseen",
    where: part.where,
    found: `the class ${quote(name)} is in the ${part.name} part (${noun(part.counts.get(name) as number, "sample")}) but not in the training part${more}`,
    expected: "training samples of every class",
    cure: "Correct the name, add training samples, or list all classes in data.classes to accept it",
  });
}

const absentFinding = (part: CountedPart, absent: readonly string[]): DataFinding => ({
  code: part.name === "test" ? "class-untested" : "class-not-validated",
  level: part.name === "test" ? "warning" : "note",
  where: part.where,
  text: `The ${part.name} part has no sample of the ${absent.length === 1 ? "class" : noun(absent.length, "class")} ${listed(absent.map(quote))}, which the training part has.`,
  ...(part.name === "test" ? { cure: "Add such samples to the test part, or set data.split.test to a fraction." } : {}),
  count: absent.length,
  examples: absent.slice(0, 5),
});
