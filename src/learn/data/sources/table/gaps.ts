/** Missing values of a table's features: an error, rows that are left out, or gaps that are filled once the split is known. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import { type FeatureBlock, missesAt, type PartValues } from "./feature-block.js";

export type MissingChoice = "error" | "mean" | "drop";

/** A table, training or test, whose features are known. */
export interface Part {
  readonly path: string;
  readonly rows: number;
  readonly placeOf: (row: number) => string;
}

interface FirstGap {
  readonly row: number;
  readonly column: string;
  /** What the file has in its place, where that is known and not nothing. */
  readonly mark: string;
}

interface Gaps {
  /** 1 for rows with a missing value. */
  readonly rows: Uint8Array;
  readonly rowCount: number;
  /** Rows without a value, by column. */
  readonly columns: ReadonlyMap<string, number>;
  readonly first: FirstGap | null;
}

/**
 * Rows of each part to keep, by what is to be done about missing values.
 * @throws InputError naming the first gap and the number of gaps in each column, where they are an error
 */
export function rowsToKeep(
  blocks: readonly FeatureBlock[],
  parts: readonly Part[],
  choice: MissingChoice,
): { readonly kept: readonly Uint32Array[]; readonly findings: readonly DataFinding[] } {
  const gaps = parts.map((part, p) => gapsOf(blocks, part, p));
  refuseEmpty(blocks, parts, gaps);
  const findings: DataFinding[] = [];
  const kept = parts.map((part, p) => {
    const found = gaps[p] as Gaps;
    const all = Uint32Array.from({ length: part.rows }, (_, i) => i);
    if (found.rowCount === 0) return all;
    if (choice === "error") throw missing(part, found);
    findings.push(choice === "drop" ? droppedFinding(part, found) : filledFinding(part, found, blocks));
    if (choice === "mean") return all;
    const left = all.filter((i) => found.rows[i] === 0);
    if (left.length === 0) throw nothingLeft(part, found);
    return left;
  });
  return { kept, findings };
}

function gapsOf(blocks: readonly FeatureBlock[], { rows }: Part, p: number): Gaps {
  const marked = new Uint8Array(rows);
  const columns = new Map<string, number>();
  let first: FirstGap | null = null;
  for (const block of blocks) {
    const values = block.parts[p] as PartValues;
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (!missesAt(block, values, row)) continue;
      marked[row] = 1;
      count++;
      if (!first || row < first.row) first = { row, column: block.column, mark: markAt(values, row) };
    }
    if (count > 0) columns.set(block.column, count);
  }
  return { rows: marked, rowCount: marked.reduce((n, m) => n + m, 0), columns, first };
}

function markAt(values: PartValues, row: number): string {
  return values.kind === "levels" ? (values.column.texts[values.column.codes[row] as number] ?? "").trim() : "";
}

/** A column without a single value in the training table teaches nothing. */
function refuseEmpty(blocks: readonly FeatureBlock[], [train]: readonly Part[], [gaps]: readonly Gaps[]): void {
  const empty = blocks.find(({ column, names }) => names.length === 0 || gaps?.columns.get(column) === train?.rows);
  if (!empty || !train) return;
  throw new InputError({
    code: "value-missing",
    where: train.path,
    found: `the column ${quote(empty.column)} has no value in any of the ${noun(train.rows, "row")}`,
    expected: "a value in at least one row",
    cure: "Put the column under data.ignore",
  });
}

/** "width 2, height 5, and 3 more columns". */
function countsOf(columns: ReadonlyMap<string, number>): string {
  const sorted = [...columns].sort((a, b) => b[1] - a[1]);
  const shown = sorted.slice(0, 6).map(([name, count]) => `${quote(name)} ${count.toLocaleString("en-US")}`);
  return `${shown.join(", ")}${sorted.length > 6 ? `, and ${noun(sorted.length - 6, "more column")}` : ""}`;
}

const total = ({ columns }: Gaps): number => [...columns.values()].reduce((sum, n) => sum + n, 0);

function missing({ path, placeOf }: Part, gaps: Gaps): InputError {
  const { row, column, mark } = gaps.first as FirstGap;
  const all = `; ${noun(total(gaps), "value")} in ${noun(gaps.rowCount, "row")} are missing (${countsOf(gaps.columns)})`;
  return new InputError({
    code: "value-missing",
    where: path,
    found: `${placeOf(row)}, column ${quote(column)}: the value is missing${mark && ` (${quote(mark)})`}${total(gaps) > 1 ? all : ""}`,
    expected: "a value in every feature column",
    cure: "Set data.missing to mean (gaps get the training part's mean) or to drop (such rows are left out), fill the gaps in the file, or put the column under data.ignore",
  });
}

function nothingLeft({ path }: Part, gaps: Gaps): InputError {
  return new InputError({
    code: "value-missing",
    where: path,
    found: `every row has a missing value (${countsOf(gaps.columns)}), so data.missing: drop leaves none`,
    expected: "rows without a missing value",
    cure: "Put the columns with most gaps under data.ignore, or set data.missing to mean",
  });
}

function droppedFinding({ path, rows }: Part, gaps: Gaps): DataFinding {
  const { rowCount } = gaps;
  return {
    code: "rows-dropped",
    level: "note",
    where: path,
    text: `${rowCount.toLocaleString("en-US")} of ${noun(rows, "row")} ${rowCount === 1 ? "was" : "were"} left out, because values are missing (${countsOf(gaps.columns)}).`,
    count: rowCount,
    examples: [...gaps.columns.keys()].slice(0, 5),
  };
}

function filledFinding({ path }: Part, gaps: Gaps, blocks: readonly FeatureBlock[]): DataFinding {
  const levels = blocks.some((b) => b.parts[0]?.kind === "levels" && gaps.columns.has(b.column));
  return {
    code: "values-filled",
    level: "note",
    where: path,
    text: `${noun(total(gaps), "missing value")} in ${noun(gaps.rowCount, "row")} ${total(gaps) === 1 ? "gets" : "get"} the training part's mean (${countsOf(gaps.columns)}).${levels ? " One-hot columns get zeros instead." : ""}`,
    count: total(gaps),
    examples: [...gaps.columns.keys()].slice(0, 5),
  };
}
