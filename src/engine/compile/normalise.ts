/** Puts a data set's normalisation in front of a model, inside the graph. */

import { InputError } from "../../base/errors.js";
import { int } from "../graph/attributes.js";
import { codeOf } from "../graph/codes.js";
import type { Normalisation } from "../graph/samples.js";
import { isFloat, tensor } from "../graph/tensor.js";
import type { DType, Graph, Node, Tensor, ValueInfo } from "../graph/types.js";
import { deadNodes } from "./passes/dead-nodes.js";

/** How the names of nodes and initialisers begin that normalise the input. */
export const NORMALISE = "normalise/";

/** The initialiser that stands in for missing values. */
export const MISSING = `${NORMALISE}missing`;

/**
 * Returns a graph that takes raw samples: x -> x * (scale / std) - mean / std, then the original graph. Where values may be
 * missing, NaN is replaced first.
 * The arithmetic is the same wherever the graph goes (training, evaluation, export), so logits agree to the bit
 * of the executor.
 * @param input name of the graph input that takes the samples; it keeps its name and shape
 * @param dtype element type of the raw samples; absent: float32, or the graph's own where it takes whole numbers
 * @throws InputError when a graph of whole numbers (token ids) should get normalised ones
 */
export function withNormalisation(
  graph: Graph,
  input: string,
  normalisation: Normalisation | null,
  wanted?: DType,
): Graph {
  const info = graph.inputs.find((i) => i.name === input);
  if (!info) throw new Error(`graph "${graph.name}" has no input "${input}"`);
  const dtype = wanted ?? (isFloat(info.dtype) ? "float32" : info.dtype);
  const identity = !normalisation || isIdentity(normalisation);
  if (!identity && !isFloat(info.dtype))
    throw new InputError({
      code: "option-conflict",
      where: "data.normalise",
      found: `the model takes whole numbers (${info.dtype}), such as token ids, which normalisation would change`,
      expected: "none",
      cure: "Set normalise: none",
    });
  if (identity && dtype === info.dtype) return graph;
  const fresh = freshNames(graph);
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>(graph.initializers);
  let current = input;
  const append = (op: string, inputs: readonly string[], attributes: Node["attributes"] = {}): string => {
    const output = fresh(`${input}_${op.toLowerCase()}`);
    nodes.push({
      name: fresh(`${NORMALISE}${op.toLowerCase()}`),
      op,
      domain: "",
      inputs,
      outputs: [output],
      attributes,
    });
    return output;
  };
  const constant = (name: string, values: readonly number[]): string => {
    const unique = fresh(name);
    const shape = values.length === 1 ? [] : perChannel(values.length, info.shape?.length ?? 2);
    initializers.set(unique, tensor("float32", values, shape));
    return unique;
  };
  if (dtype !== info.dtype) current = append("Cast", [current], { to: int(codeOf(info.dtype)) });
  const { missing } = normalisation ?? {};
  if (missing) current = append("Where", [append("IsNaN", [current]), constant(MISSING, missing), current]);
  if (normalisation && !isAffineIdentity(normalisation)) {
    const { factor, offset } = affine(normalisation);
    current = append("Mul", [current, constant(`${NORMALISE}factor`, factor)]);
    if (offset.some((o) => o !== 0)) current = append("Add", [current, constant(`${NORMALISE}offset`, offset)]);
  }
  const rename = (name: string): string => (name === input ? current : name);
  const rest = graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(rename) }));
  const inputs = graph.inputs.map((i): ValueInfo => (i.name === input ? { ...i, dtype } : i));
  const valueTypes = graph.valueTypes && new Map(graph.valueTypes);
  return { ...graph, inputs, nodes: [...nodes, ...rest], initializers, valueTypes };
}

/** Makes names that the graph does not use yet. */
function freshNames(graph: Graph): (base: string) => string {
  const names = new Set(
    graph.nodes
      .flatMap((n) => [n.name, ...n.outputs])
      .concat(
        [...graph.initializers.keys()],
        graph.inputs.map((i) => i.name),
      ),
  );
  return (base) => {
    let name = base;
    while (names.has(name)) name += "_";
    names.add(name);
    return name;
  };
}

/** The graph as it was before its normalisation was put in front; the graph itself where there is none. */
export function withoutNormalisation(graph: Graph): Graph {
  const input = graph.inputs[0]?.name as string;
  const inFront = (n: Node): boolean => n.name.startsWith(NORMALISE);
  if (!graph.nodes.some(inFront)) return graph;
  const gone = new Set(graph.nodes.filter(inFront).flatMap((n) => n.outputs));
  const inputs = (n: Node): string[] => n.inputs.map((name) => (gone.has(name) ? input : name));
  return deadNodes({
    ...graph,
    nodes: graph.nodes.filter((n) => !inFront(n)).map((n) => ({ ...n, inputs: inputs(n) })),
  });
}

/** factor = scale / std, offset = -mean / std, one value a channel (or one for all). */
function affine(n: Normalisation): { factor: number[]; offset: number[] } {
  const channels = Math.max(n.mean.length, n.std.length);
  const at = (values: readonly number[], i: number): number => values[values.length === 1 ? 0 : i] as number;
  const factor = Array.from({ length: channels }, (_, i) => n.scale / at(n.std, i));
  const offset = Array.from({ length: channels }, (_, i) => -at(n.mean, i) / at(n.std, i));
  return { factor, offset };
}

/** Whether a model replaces missing values (NaN) itself. */
export function fillsMissing({ initializers }: Pick<Graph, "initializers">): boolean {
  return initializers.has(MISSING);
}

/** Whether it leaves every value as it is. */
export function isIdentity(n: Normalisation): boolean {
  return n.missing === undefined && isAffineIdentity(n);
}

function isAffineIdentity(n: Normalisation): boolean {
  return n.scale === 1 && n.mean.every((m) => m === 0) && n.std.every((s) => s === 1);
}

/** [C, 1, 1] against [N, C, H, W]; [F] against [N, F]. */
function perChannel(channels: number, rank: number): number[] {
  return [channels, ...Array<number>(Math.max(rank - 2, 0)).fill(1)];
}
