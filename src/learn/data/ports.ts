/**
 * Which array of the data each input of a model reads: the one it is mapped to, the one of its own name, or one that a
 * convention makes of another (a mask from padding). Nothing here is Node's.
 */
import { InputError } from "../../base/errors.js";
import { nearestOf } from "../../engine/graph/nearest.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { arraysOf } from "./arrays.js";
import { fillBatch } from "./read.js";
import { allocateSamples } from "./samples.js";
import type { DataSet, NamedSamples } from "./types.js";

/**
 * The data with the arrays that a model's inputs are mapped to under the inputs' own names as well, so that whoever feeds the
 * model later finds them.
 * @throws InputError when the data has no such array
 */
export function withAliases(data: DataSet, map: Readonly<Record<string, string>>, field: string): DataSet {
  const arrays = arraysOf(data);
  const made = Object.entries(map).flatMap(([input, name]): NamedSamples[] => {
    const array = arrays.find((a) => a.name === name);
    if (!array) throw unknown(`${field}.${input}`, `the data has no array ${quote(name)}`, name, namesOf(arrays));
    return input === name || arrays.some((a) => a.name === input) ? [] : [{ ...array, name: input }];
  });
  return made.length === 0 ? data : { ...data, others: [...(data.others ?? []), ...made] };
}

/** An input of a model. */
export interface ModelPort {
  readonly name: string;
  /** ONNX element type. */
  readonly dtype: string;
}

export interface PortOptions {
  /** Whose inputs they are, for messages: a file. */
  readonly where: string;
  /** The field that maps inputs to arrays: "teacher.inputs". */
  readonly field: string;
  /** The data's array for an input, by the input's name. */
  readonly map?: Readonly<Record<string, string>> | undefined;
  /** The token id that stands for padding; default: the data's. */
  readonly paddingId?: number | undefined;
}

export interface FilledPorts {
  /** The data, with the arrays that were made for this model. */
  readonly data: DataSet;
  /** Names of the arrays that the inputs read, in the order of the inputs. */
  readonly reads: readonly string[];
  /** Sentences about arrays that were made. */
  readonly notes: readonly string[];
}

/** Inputs that hold token ids, by the names that exporters use. */
const IDS = /^(input_ids|ids|tokens|token_ids|input)$/;
/** 1 where there is a token, 0 where there is padding. */
const MASK = /^(attention_mask|input_mask|mask)$/;
/** Whether an input of this name is a mask of tokens. */
export const isMaskName = (name: string): boolean => MASK.test(name);

/** Which of two texts a token belongs to: zeros where there is one text. */
const TYPES = /^(token_type_ids|segment_ids)$/;
/** 0, 1, 2 ... */
const POSITIONS = /^position_ids$/;

/** @throws InputError naming the input that nothing fills, or the array that is not there */
export function fillPorts(given: DataSet, ports: readonly ModelPort[], options: PortOptions): FilledPorts {
  const { map = {}, where, field } = options;
  const arrays = arraysOf(given);
  checkMap(map, ports, arrays, options);
  const named = (name: string): NamedSamples | undefined => arrays.find((a) => a.name === name);
  const only = ports.length === 1 && arrays.length === 1 ? arrays[0] : undefined;
  const chosen = ports.map(({ name }) => named(map[name] ?? name) ?? only);
  const ids = idsOf(ports, chosen);
  const made: NamedSamples[] = [];
  const notes: string[] = [];
  const reads = ports.map((port, i) => {
    const array = chosen[i];
    if (array) return array.name;
    const derived = ids && deriveArray(port.name, ids, { ...options, paddingId: options.paddingId ?? given.paddingId });
    if (!derived) throw unfilled(port, ports, arrays, where, field);
    made.push(derived.array);
    notes.push(derived.note);
    return derived.array.name;
  });
  const data = made.length > 0 ? { ...given, others: [...(given.others ?? []), ...made] } : given;
  return { data, reads, notes };
}

function checkMap(
  map: Readonly<Record<string, string>>,
  ports: readonly ModelPort[],
  arrays: readonly NamedSamples[],
  { where, field }: PortOptions,
): void {
  for (const [input, array] of Object.entries(map)) {
    if (!ports.some((p) => p.name === input))
      throw unknown(`${field}.${input}`, `${where} has no input ${quote(input)}`, input, namesOf(ports));
    if (!arrays.some((a) => a.name === array))
      throw unknown(`${field}.${input}`, `the data has no array ${quote(array)}`, array, namesOf(arrays));
  }
}

function unknown(where: string, found: string, name: string, known: readonly string[]): InputError {
  const near = nearestOf(name, known);
  return new InputError({
    code: "model-input",
    where,
    found,
    expected: `one of ${known.join(", ")}`,
    cure: near ? `Did you mean ${quote(near)}?` : "Name one of them",
  });
}

const namesOf = (list: readonly { readonly name: string }[]): string[] => list.map((e) => e.name);

/** The array of token ids: what the input of such a name reads, or the only whole numbers. */
function idsOf(ports: readonly ModelPort[], chosen: readonly (NamedSamples | undefined)[]): NamedSamples | undefined {
  const at = ports.findIndex((p) => IDS.test(p.name));
  if (at >= 0 && chosen[at]) return chosen[at];
  const whole = chosen.filter((a) => a?.samples instanceof Int32Array);
  return whole.length === 1 ? whole[0] : undefined;
}

function deriveArray(
  name: string,
  ids: NamedSamples,
  { where, paddingId }: PortOptions,
): { readonly array: NamedSamples; readonly note: string } | null {
  const make = (value: (id: number, position: number) => number, note: string) => ({
    array: derivedArray(name, ids, value),
    note: `its input ${quote(name)} ${note}`,
  });
  if (TYPES.test(name)) return make(() => 0, "is filled with zeros: every token belongs to one text");
  if (POSITIONS.test(name)) return make((_, i) => i, "is filled with 0, 1, 2 and so on");
  if (!MASK.test(name)) return null;
  if (paddingId === undefined)
    throw new InputError({
      code: "option-missing",
      where: "data.padding_id",
      found: `${where} needs ${quote(name)}, and neither the data nor the model says which token id is padding`,
      expected: "the id of the padding token",
      cure: "Set data.padding_id, or give an array of that name",
    });
  return make(
    (id) => Number(id !== paddingId),
    `is made from ${quote(ids.name)}: 0 where the id is ${paddingId}, else 1`,
  );
}

/** An array that is computed from token ids when it is asked for. */
function derivedArray(name: string, ids: NamedSamples, value: (id: number, position: number) => number): NamedSamples {
  const length = sizeOf(ids.sampleShape);
  const fill: NamedSamples["fill"] = (indices, out) => {
    const raw = allocateSamples(ids.samples, out.length);
    fillBatch(ids, indices, raw);
    for (let i = 0; i < raw.length; i++) out[i] = value(raw[i] as number, i % length);
  };
  return { name, sampleShape: ids.sampleShape, samples: new Int32Array(0), fill };
}

function unfilled(
  port: ModelPort,
  ports: readonly ModelPort[],
  arrays: readonly NamedSamples[],
  where: string,
  field: string,
): InputError {
  return new InputError({
    code: "model-input",
    where,
    found: `it has ${noun(ports.length, "input")} (${ports.map((p) => quote(p.name)).join(", ")}), and nothing fills ${quote(port.name)} (${port.dtype}); the data has ${arrays.length === 1 ? "one array" : `the arrays ${namesOf(arrays).join(", ")}`}`,
    expected: `an array for each of ${namesOf(ports).join(", ")}`,
    cure: `Give an array of that name (data.inputs), or map it to another one (${field})`,
  });
}
