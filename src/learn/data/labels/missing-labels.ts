/** What stands for "this sample has no label". The one place that knows it. Nothing here is Node's. */

/**
 * What a source's labels are: texts as written ("text"), numbers of an array ("numbers"), or names that somebody gave on
 * purpose, such as folders ("names"), of which only the empty one is missing.
 */
export type LabelKind = "text" | "numbers" | "names";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NOT_A_NUMBER = /^[+-]?nan$/i;
/** What frameworks give to samples that a loss is to ignore. */
const IGNORED = -100;
const UNKNOWN = -1;
/** Words by which tables mean an absent value; as text they may be names. */
const WORDS = /^([<#]?n\/?a[>!]?|<na>|null|none|nil|nan|nat|undefined|missing|\?+|-+|#n\/a)$/i;

/** Whether a text is a number. */
export const isNumberText = (text: string): boolean => NUMBER.test(text);

/**
 * The texts that mean a missing label: the empty one; among numbers NaN, -100, and -1 unless the labels are just -1 and 1.
 * @param labels the different labels of all parts, without spaces around them
 * @param listed class names of the recipe, which are never missing
 */
export function missingMarks(
  labels: Iterable<string>,
  kind: LabelKind,
  listed: ReadonlySet<string> = new Set(),
): Set<string> {
  const marks = new Set([""]);
  if (kind === "names") return marks;
  const texts = [...labels].filter((text) => text !== "");
  const numbers = texts.filter(isNumberText);
  const words = texts.filter((text) => NOT_A_NUMBER.test(text));
  if (numbers.length + words.length < texts.length) return marks;
  if (numbers.length === 0 && kind !== "numbers") return marks;
  const values = new Set(numbers.map(Number));
  values.delete(IGNORED);
  const signs = values.size === 2 && values.has(UNKNOWN) && values.has(1);
  for (const text of texts) {
    const value = Number(text);
    const missing = Number.isNaN(value) || value === IGNORED || (value === UNKNOWN && !signs);
    if (missing && !listed.has(text)) marks.add(text);
  }
  return marks;
}

/** Whether a class name is a word by which tables mean an absent value: null, NA, None, nan, "?". */
export const looksMissing = (name: string): boolean => WORDS.test(name);
