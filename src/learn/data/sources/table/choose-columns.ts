/** Which columns of a table are the label and the features, by what the recipe says. */
import { InputError } from "../../../../base/errors.js";
import { nearestOf } from "../../../../engine/graph/nearest.js";
import { quote } from "../../../../base/quote.js";
import type { TableSettings } from "./table-schema.js";
import type { DataFinding } from "../../findings.js";
import type { TableReader } from "./content.js";

/** Columns that an error names at most. */
const NAMED = 12;

export interface ChosenColumns {
  /** Place of the label; null without one. */
  readonly label: number | null;
  /** Places of the features, in their order. */
  readonly features: readonly number[];
  /** Whether the recipe names the features. */
  readonly explicit: boolean;
  /** Places of the columns to encode one-hot. */
  readonly categorical: ReadonlySet<number>;
  readonly findings: readonly DataFinding[];
}

/** @throws InputError naming the field that names a column which is not there */
export function chooseColumns(config: TableSettings, reader: TableReader): ChosenColumns {
  const find = (name: string, field: string): number => placeOf(reader, name, field);
  const label = config.label === undefined ? null : find(config.label, "data.label");
  const ignored = new Set((config.ignore ?? []).map((name) => find(name, "data.ignore")));
  const categorical = new Set((config.categorical ?? []).map((name) => find(name, "data.categorical")));
  const named = config.features?.map((name) => find(name, "data.features"));
  const features = named ?? reader.names.flatMap((_, c) => (c === label || ignored.has(c) ? [] : [c]));
  if (named) checkNamed(reader, named, label);
  if (features.length === 0)
    throw new InputError({
      code: "column-missing",
      where: "data.features",
      found: `no feature column is left in ${reader.path}, which has ${listOf(reader.names)}`,
      expected: "at least one column besides the label",
    });
  const idle = [...categorical].filter((c) => !features.includes(c)).map((c) => reader.names[c] as string);
  return { label, features, explicit: named !== undefined, categorical, findings: idleFinding(idle) };
}

/** Place of a column; "Unnamed: 0" is what pandas calls the first one where it has no name. @throws InputError when the table has none of this name */
export function placeOf({ path, names, unnamed }: TableReader, wanted: string, field: string): number {
  const exact = names.indexOf(wanted);
  const place = exact >= 0 ? exact : names.indexOf(wanted.trim());
  if (place >= 0) return place;
  const nameless = Number(/^Unnamed: (\d+)$/.exec(wanted)?.[1] ?? -1);
  if (unnamed.has(nameless)) return nameless;
  const near = nearestOf(wanted, names);
  throw new InputError({
    code: "column-missing",
    where: field,
    found: `${path} has no column ${quote(wanted)}`,
    expected: `one of its columns (${listOf(names)})`,
    cure: near ? `Write ${quote(near)} if you meant that` : undefined,
  });
}

const listOf = (names: readonly string[]): string =>
  `${names
    .slice(0, NAMED)
    .map((n) => quote(n))
    .join(", ")}${names.length > NAMED ? `, and ${names.length - NAMED} more` : ""}`;

function checkNamed(reader: TableReader, named: readonly number[], label: number | null): void {
  const twice = named.find((c, i) => named.indexOf(c) !== i);
  if (twice !== undefined)
    throw new InputError({
      code: "option-invalid",
      where: "data.features",
      found: `it names ${quote(reader.names[twice])} twice`,
      expected: "each column once",
    });
  if (label !== null && named.includes(label))
    throw new InputError({
      code: "option-conflict",
      where: "data.features",
      found: `${quote(reader.names[label])} is the label, and as a feature it would give the answer away`,
      cure: "Remove it from data.features",
    });
}

function idleFinding(names: readonly string[]): DataFinding[] {
  if (names.length === 0) return [];
  return [
    {
      code: "categorical-unused",
      level: "warning",
      where: "data.categorical",
      text: `${names.map((n) => quote(n)).join(", ")} ${names.length === 1 ? "is" : "are"} under data.categorical but not among the features, so nothing is encoded.`,
      cure: "Add the column to data.features, or remove it from data.categorical.",
      count: names.length,
      examples: names.slice(0, 5),
    },
  ];
}
