/**
 * Tables of learnt positions: rows that a graph looks up by numbers it counts itself. A longer sequence than the table has rows
 * for fails in the middle of the work.
 */
import { numbersOf, sizeOf } from "../graph/tensor.js";
import type { Graph, Node, Tensor } from "../graph/types.js";

export interface PositionTable {
  /** Name of the initialiser. */
  readonly name: string;
  readonly rows: number;
  /** Positions of the longest sequence that it serves. */
  readonly longest: number;
  /** What takes a position: the values of this input other than this one; null: everything in the sequence. */
  readonly counted: { readonly input: string; readonly other: number } | null;
}

/** Ops that pass the numbers on: in another form, or the first of them. */
const FORMS = new Set(["Identity", "Cast", "Squeeze", "Unsqueeze", "Expand", "Reshape", "Slice"]);

interface Counter {
  /** The first position. */
  readonly from: number;
  /** Positions at most; null: no bound of its own. */
  readonly most: number | null;
  readonly counted: PositionTable["counted"];
}

interface Values {
  readonly maker: (value: string) => Node | undefined;
  readonly constant: (value: string) => Tensor | undefined;
}

/** The tables of positions that are looked up by 0, 1, 2 and so on; others, such as relative positions, are bounded otherwise. */
export function positionTables(graph: Graph): PositionTable[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const values: Values = {
    maker: (value) => makers.get(value),
    constant(value) {
      const made = makers.get(value);
      const attribute = made?.op === "Constant" ? made.attributes.value : undefined;
      return graph.initializers.get(value) ?? (attribute?.kind === "tensor" ? attribute.value : undefined);
    },
  };
  return graph.nodes.flatMap((node): PositionTable[] => {
    const [name = "", index = ""] = node.inputs;
    const table = node.op === "Gather" ? graph.initializers.get(name) : undefined;
    const counter = table?.shape.length === 2 ? counterOf(index, values) : null;
    const rows = table?.shape[0] ?? 0;
    if (!counter) return [];
    const longest = Math.min(rows - counter.from, counter.most ?? Number.POSITIVE_INFINITY);
    return [{ name, rows, longest, counted: counter.counted }];
  });
}

/** What counts these numbers; null where they are no count. */
function counterOf(value: string, values: Values): Counter | null {
  const buffer = values.constant(value);
  if (buffer) return risingFromZero(buffer) ? { from: 0, most: sizeOf(buffer.shape), counted: null } : null;
  const node = values.maker(value);
  if (!node) return null;
  const [first = "", second = "", third = ""] = node.inputs;
  if (FORMS.has(node.op)) return counterOf(first, values);
  if (node.op === "Add") return moved(first, second, 1, values) ?? moved(second, first, 1, values);
  if (node.op === "Sub") return moved(first, second, -1, values);
  // A count times the mask that it was taken of: padding gets position 0.
  if (node.op === "Mul") return summed(first, values) ?? summed(second, values);
  if (node.op === "CumSum") return sumOf(node, values);
  const [from, step] = [scalarOf(first, values), scalarOf(third, values)];
  return node.op === "Range" && from !== null && step === 1 ? { from, most: null, counted: null } : null;
}

/** A count to which a constant is added. */
function moved(count: string, by: string, sign: number, values: Values): Counter | null {
  const shift = scalarOf(by, values);
  const counter = shift === null ? null : counterOf(count, values);
  return counter && shift !== null ? { ...counter, from: counter.from + sign * shift } : null;
}

function summed(value: string, values: Values): Counter | null {
  const counter = counterOf(value, values);
  return counter?.counted ? counter : null;
}

/** A running sum of a mask: of the mask that the model is given, or of ids that are not padding. */
function sumOf(node: Node, values: Values): Counter | null {
  const counted = maskOf(node.inputs[0] ?? "", values);
  const flag = node.attributes.exclusive;
  const exclusive = flag?.kind === "int" && flag.value === 1;
  return counted && { from: exclusive ? 0 : 1, most: null, counted };
}

function maskOf(value: string, values: Values): PositionTable["counted"] {
  if (values.constant(value)) return null;
  const node = values.maker(value);
  if (!node) return { input: value, other: 0 };
  const [first = ""] = node.inputs;
  if (node.op === "Cast" || node.op === "Identity") return maskOf(first, values);
  const equal = node.op === "Not" ? values.maker(first) : undefined;
  if (equal?.op !== "Equal") return null;
  const [ids = "", padding = ""] = equal.inputs;
  const other = scalarOf(padding, values);
  return other === null || values.maker(ids) ? null : { input: ids, other };
}

function scalarOf(value: string, { constant }: Values): number | null {
  const found = constant(value);
  return found && sizeOf(found.shape) === 1 ? Number(numbersOf(found)[0]) : null;
}

const risingFromZero = (tensor: Tensor): boolean =>
  /^u?int/.test(tensor.dtype) && sizeOf(tensor.shape) > 1 && numbersOf(tensor).every((v, i) => v === i);
