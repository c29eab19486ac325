/** Recognises columns that only number or name the rows: the index that pandas and R write beside the data. */
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import type { Column, TableReader } from "./content.js";

/** pandas' names for an index without a name, of older files too. */
const NAMELESS = /^(?:Unnamed: \d+(?:_level_\d+)?(?:\.\d+)*|__index_level_\d+__)$/;
/** Names that an index often has, where its values count. */
const USUAL = /^(?:index|level_\d+|row[._ ]?names?|row[._ ]?(?:number|num|nr|no|id|index)|\.?rownames)$/i;

/** Columns that may be an index by their name or place; their values decide. */
export function mayBeIndex({ names, unnamed, declaredIndex }: TableReader, position: number): boolean {
  const name = names[position] as string;
  return declaredIndex.has(position) || unnamed.has(position) || NAMELESS.test(name) || USUAL.test(name);
}

/** Whether a column that may be an index is one. */
export function isIndex(reader: TableReader, position: number, column: Column): boolean {
  if (reader.declaredIndex.has(position)) return true;
  const nameless = (reader.unnamed.has(position) && position === 0) || NAMELESS.test(reader.names[position] as string);
  if (column.kind === "text") return nameless && new Set(column.codes).size === column.codes.length;
  if (column.kind !== "number") return false;
  return nameless
    ? allDifferent(column.values) || restarts(column.values)
    : rises(column.values) || permutes(column.values);
}

const allDifferent = (values: Float64Array): boolean => new Set(values).size === values.length;

/** Whole numbers that rise from row to row. */
function rises(values: Float64Array): boolean {
  return values.every((v, i) => Number.isInteger(v) && v >= 0 && (i === 0 || v > (values[i - 1] as number)));
}

/** Every number from the least to the most once, in any order. */
function permutes(values: Float64Array): boolean {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) {
    if (!Number.isInteger(v)) return false;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  return (low === 0 || low === 1) && high - low + 1 === values.length && allDifferent(values);
}

/** Counts from 0 or 1, once or several times over, as tables that were put together do. */
function restarts(values: Float64Array): boolean {
  return values.every((v, i) => v === 0 || v === 1 || v === (values[i - 1] as number) + 1);
}

/** Says that an index was left out. */
export function indexFinding(reader: TableReader, position: number): DataFinding {
  const name = reader.names[position] as string;
  const why = reader.declaredIndex.has(position)
    ? "the file says that it is the index of a pandas table"
    : "it only numbers or names the rows";
  const called = reader.unnamed.has(position)
    ? `The column without a name (number ${position + 1}, called ${quote(name)})`
    : `The column ${quote(name)}`;
  return {
    code: "index-column",
    level: "note",
    where: reader.path,
    text: `${called} was left out, because ${why}.`,
    cure: "Name it under data.features if it is a feature.",
    count: 1,
    examples: [name],
  };
}
