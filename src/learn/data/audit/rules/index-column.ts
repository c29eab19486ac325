/** Columns that number the rows or name them: of sorted data they are the answer, and they mean nothing to new samples. */
import { noun } from "../../../../base/noun.js";
import type { DataFinding } from "../../findings.js";
import { TRAIN, VALIDATION } from "../parts.js";
import { readColumns } from "../read-columns.js";
import { type AuditFacts, type AuditRule, fewOf, quotedList } from "../rule.js";
import { featureName } from "../survey.js";

/** Fewer rows say nothing. */
const LEAST_ROWS = 20;
/** Of fractions: rows that rise all the way. */
const LEAST_FRACTIONS = 50;
/** Share of different values in a column that is called an id: a few rows may be there twice. */
const DIFFERENT = 0.9;
const ID_NAME = /(^|[^a-z])(id|ids|idx|index|key|uuid|guid|no|nr|num|number|row|rowid|record)$/i;
const ID_WORD = /^(id|index|rowid)([^a-z]|$)|[a-z]I[Dd]$|^Unnamed: \d+$/;

export const indexColumn: AuditRule = (facts) => {
  const { columns, profiles, loaded } = facts;
  if (!columns || !profiles || loaded.data.size < LEAST_ROWS) return [];
  const numbering: string[] = [];
  const naming: string[] = [];
  for (const c of candidates(facts)) {
    const name = featureName(loaded.data, c);
    if (isSorted(facts, c) || isDense(facts, c)) numbering.push(name);
    else naming.push(name);
  }
  return [
    ...finding(numbering, "numbers the rows", "number the rows"),
    ...finding(naming, "holds another number in every row", "hold another number in every row"),
  ];
};

function finding(names: readonly string[], one: string, many: string): DataFinding[] {
  if (names.length === 0) return [];
  const text =
    names.length === 1
      ? `The column ${quotedList(names)} ${one}, so it looks like an index or an id.`
      : `${noun(names.length, "column")} ${many}, so they look like indices or ids: ${quotedList(names)}.`;
  return [
    {
      code: "index-column",
      level: "warning",
      where: "data.features",
      text,
      cure: `Leave ${names.length === 1 ? "it" : "them"} out with data.ignore: [${fewOf(names).join(", ")}${names.length > 5 ? ", ..." : ""}].`,
      count: names.length,
      examples: fewOf(names),
    },
  ];
}

function candidates(facts: AuditFacts): number[] {
  const { columns, profiles, loaded } = facts;
  if (!columns || !profiles) return [];
  const sorted: number[] = [];
  const ids: number[] = [];
  for (let c = 0; c < columns.width; c++) {
    if (columns.missing[c]) continue;
    if (isSorted(facts, c)) sorted.push(c);
    else if (columns.whole[c] && profiles.distinct(c) >= DIFFERENT * profiles.rows.length) ids.push(c);
  }
  const different = shareDifferent(facts, ids);
  const called = (c: number): boolean => isCalledId(featureName(loaded.data, c));
  return [...sorted, ...ids.filter((c) => different(c) >= (called(c) ? DIFFERENT : isDense(facts, c) ? 1 : 2))];
}

/** Rises, or falls, from row to row; once it may begin anew, where the source's own test part does. */
function isSorted({ columns, examined }: AuditFacts, c: number): boolean {
  if (!columns || examined.length < (columns.whole[c] ? LEAST_ROWS : LEAST_FRACTIONS)) return false;
  const steps = columns.rows - 1;
  const [rises, falls] = [columns.rises[c] as number, columns.falls[c] as number];
  return rises + falls === steps && Math.min(rises, falls) <= 1;
}

/** Whole numbers that leave few gaps. */
function isDense({ columns, loaded }: AuditFacts, c: number): boolean {
  if (!columns?.whole[c]) return false;
  return (columns.high[c] as number) - (columns.low[c] as number) + 1 <= 2 * loaded.data.size;
}

const isCalledId = (name: string): boolean => ID_NAME.test(name) || ID_WORD.test(name);

/** Different values, as a share of the rows of the training and validation part. */
function shareDifferent({ loaded, partOf, examined }: AuditFacts, columns: readonly number[]): (c: number) => number {
  const rows = examined.filter((i) => partOf[i] === TRAIN || partOf[i] === VALIDATION);
  const values = readColumns(loaded.data, rows, columns);
  return (c) => {
    const sorted = values.get(c)?.toSorted() ?? new Float32Array();
    // Beyond 2^24 float32 rounds whole numbers, and neighbours fall together.
    if ((sorted[sorted.length - 1] ?? 0) >= 2 ** 24) return 1;
    return new Set(sorted).size / Math.max(1, sorted.length);
  };
}
