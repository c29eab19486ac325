/** Class names that look alike: one name written in two ways, most likely. Nothing here is Node's. */

/** What can differ between two ways of writing one name. */
export type NameAspect = "spaces" | "Unicode form" | "case" | "punctuation" | "number format";

export interface NearEqualNames {
  /** The name that comes first in the list. */
  readonly first: string;
  readonly other: string;
  /** All that differs between them. */
  readonly differences: readonly NameAspect[];
}

const ASPECTS: readonly NameAspect[] = ["number format", "Unicode form", "case", "punctuation", "spaces"];

/**
 * Names that differ from another one only by case, Unicode form, spaces, punctuation at the end or, where they are
 * numbers, by how the number is written. Each is paired with the first name that it resembles. Time grows linearly.
 */
export function nearEqualNames(classes: Iterable<string>): NearEqualNames[] {
  const firsts = new Map<string, string>();
  const found: NearEqualNames[] = [];
  for (const name of classes) {
    const key = keyOf(name);
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, name);
    else if (first !== name) found.push({ first, other: name, differences: differencesOf(first, name) });
  }
  return found;
}

/** "case and punctuation". */
export function differenceWords({ differences }: Pick<NearEqualNames, "differences">): string {
  return differences.length === 0 ? "how they are written" : differences.join(" and ");
}

/** An aspect differs when the names are no longer alike once it counts. */
function differencesOf(a: string, b: string): NameAspect[] {
  return ASPECTS.filter((aspect) => keyOf(a, aspect) !== keyOf(b, aspect));
}

const QUOTES_BEFORE = /^["'`´‘’“”«]+/u;
/** Marks that end a sentence or a word. "+" and "#" are not among them: C, C++ and C# are three classes. */
const MARKS_BEHIND = /[\s.,;:!?…。、"'`´‘’“”»_]+$/u;
/** "A-" is a grade beside "A", but "cat-" is "cat". */
const DASHES_BEHIND = /(?<=[\p{L}\p{N}]{2})[-–—]+$/u;
/** Letters and digits: what else has nothing but punctuation, and keeps it. */
const WORD = /[\p{L}\p{N}]/u;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** Beyond these two different numbers may be one in floating point. */
const EXACT_DIGITS = 15;

/** What alike names have in common. @param kept an aspect that is to count */
function keyOf(name: string, kept?: NameAspect): string {
  let key = kept === "Unicode form" ? name : name.normalize("NFKC").replace(/\p{Cf}/gu, "");
  if (kept !== "spaces") key = key.replace(/[ \t\r\n]+/g, " ").replace(/^ | $/g, "");
  // Upper case first: "ß" is "SS", and both forms of sigma are one.
  if (kept !== "case") key = key.toUpperCase().toLowerCase();
  if (kept !== "number format" && NUMBER.test(key) && key.replace(/\D/g, "").length <= EXACT_DIGITS)
    return String(Number(key) || 0);
  return kept === "punctuation" ? key : withoutPunctuation(key);
}

function withoutPunctuation(key: string): string {
  const bare = key.replace(QUOTES_BEFORE, "").replace(MARKS_BEHIND, "").replace(DASHES_BEHIND, "");
  return WORD.test(bare) ? bare : key;
}
