/** What models with looked-up ids, masks and positions ask of the arrays that fill their inputs. Nothing here is Node's. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import { type PositionTable, positionTables } from "../../engine/compile/positions.js";
import { lookupRows } from "../../engine/compile/weights.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import type { Graph } from "../../engine/graph/types.js";
import { arraysOf } from "./arrays.js";
import { isMaskName, type ModelPort } from "./ports.js";
import { samplePieces } from "./read.js";
import type { DataSet, NamedSamples } from "./types.js";

/** A model and the arrays that its inputs read. */
export interface FilledModel {
  readonly graph: Graph;
  /** Its file or name, for messages. */
  readonly path: string;
  readonly ports: readonly Pick<ModelPort, "name">[];
  /** What each of the ports reads. */
  readonly arrays: readonly NamedSamples[];
}

/** An input with what fills it. */
interface Filled {
  readonly input: string;
  readonly array: NamedSamples;
  /** Of the table that it is looked up in; null: it is not looked up. */
  readonly rows: number | null;
}

/**
 * Looks at every record, because one that does not fit would stop the work in its middle.
 * @param data as it was before arrays were made for this model
 * @throws InputError naming the array, how many records do not fit and the first of them
 */
export function checkRecords(model: FilledModel, data: DataSet): void {
  const filled = model.ports.map(({ name }, i): Filled => {
    const array = model.arrays[i] as NamedSamples;
    return { input: name, array, rows: lookupRows(model.graph, name) };
  });
  for (const port of filled) checkIds(port, model.path, data);
  // "mask" may be anything in a model that takes no tokens.
  const ids = filled.find((f) => f.rows !== null);
  if (!ids) return;
  for (const port of filled) if (isMaskName(port.input)) checkMask(port, model.path, data);
  for (const table of positionTables(model.graph)) checkLength(table, filled, ids, model.path, data);
}

interface Misfits {
  readonly count: number;
  /** The first record, and what is wrong with it. */
  readonly record: number;
  readonly position: number;
  readonly value: number;
}

/** Records in which a value is found. @param find its position in the record; -1: there is none */
function misfitsOf(array: NamedSamples, size: number, find: (record: ArrayLike<number>) => number): Misfits | null {
  const width = sizeOf(array.sampleShape);
  let first: Omit<Misfits, "count"> | null = null;
  let count = 0;
  const all = Uint32Array.from({ length: size }, (_, i) => i);
  for (const { indices, samples } of samplePieces(array, all))
    for (const [i, record] of indices.entries()) {
      const values = samples.subarray(i * width, (i + 1) * width);
      const position = find(values);
      if (position < 0) continue;
      count++;
      first ??= { record, position, value: values[position] as number };
    }
  return first && { ...first, count };
}

const firstIndex = (values: ArrayLike<number>, test: (value: number) => boolean): number => {
  for (let i = 0; i < values.length; i++) if (test(values[i] as number)) return i;
  return -1;
};

/** "in 3 records, first in record 7" */
const inRecords = ({ count, record }: Misfits): string =>
  count === 1 ? `in record ${record}` : `in ${noun(count, "record")}, first in record ${record}`;

/** Ids that a model looks up must lie in its table. */
function checkIds({ input, array, rows }: Filled, path: string, { size }: DataSet): void {
  if (rows === null) return;
  const bad = misfitsOf(array, size, (ids) => firstIndex(ids, (id) => id < 0 || id >= rows));
  if (!bad) return;
  throw new InputError({
    code: "model-input",
    where: path,
    found: `its input ${quote(input)} looks up one of ${rows} rows, and the data's array ${quote(array.name)} holds other ids ${inRecords(bad)}: position ${bad.position} is ${bad.value}`,
    expected: `ids from 0 to ${rows - 1}`,
    cure: "Use the model's own tokenizer, or a model with this vocabulary",
  });
}

/** A mask holds 1 for tokens and 0 for padding, and at least one token in each record. */
function checkMask({ input, array }: Filled, path: string, data: DataSet): void {
  const { name, size } = data;
  const made = !arraysOf(data).some((a) => a.name === array.name);
  const odd = misfitsOf(array, size, (mask) => firstIndex(mask, (v) => v !== 0 && v !== 1));
  if (odd)
    throw new InputError({
      code: "model-input",
      where: path,
      found: `its input ${quote(input)} is a mask, and the data's array ${quote(array.name)} holds other numbers than 0 and 1 ${inRecords(odd)}: position ${odd.position} is ${odd.value}`,
      expected: "1 for each token and 0 for padding",
      cure: "Save the mask as 0 and 1, or map the input to another array",
    });
  const empty = misfitsOf(array, size, (mask) => (firstIndex(mask, (v) => v !== 0) < 0 ? 0 : -1));
  if (!empty) return;
  throw new InputError({
    code: "row-invalid",
    where: name,
    found: made
      ? `all ids are padding ${inRecords(empty)}, so the mask ${quote(input)} of ${path} is zero everywhere`
      : `the array ${quote(array.name)}, the mask ${quote(input)} of ${path}, holds only zeros ${inRecords(empty)}`,
    expected: "at least one token in each record",
    cure: made ? "Remove the record, or correct data.padding_id" : "Remove the record, or correct its mask",
  });
}

/** A sequence must not be longer than the model's table of positions. */
function checkLength(
  { counted, longest, rows }: PositionTable,
  filled: readonly Filled[],
  ids: Filled,
  path: string,
  { size }: DataSet,
): void {
  const array = counted ? filled.find((f) => f.input === counted.input)?.array : ids.array;
  if (!array) return;
  const length = sizeOf(array.sampleShape);
  if (length <= longest) return;
  let most = counted ? 0 : length;
  const bad =
    counted &&
    misfitsOf(array, size, (values) => {
      let tokens = 0;
      for (let i = 0; i < values.length; i++) if (values[i] !== counted.other) tokens++;
      most = Math.max(most, tokens);
      return tokens > longest ? 0 : -1;
    });
  if (counted && !bad) return;
  throw new InputError({
    code: "model-input",
    where: path,
    found: `it has positions for ${noun(longest, "token")} (a table of ${rows} rows), and the data's array ${quote(array.name)} holds ${bad ? `more ${inRecords(bad)}; the longest has ${most}` : `${length} a record`}`,
    expected: `at most ${noun(longest, "token")} a record`,
    cure: `Cut the records to ${longest} when tokenizing, or use a model for longer texts`,
  });
}
