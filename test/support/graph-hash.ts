/** A hash of what a graph computes, blind to the names of its nodes and values and to a model's metadata. */
import { createHash } from "node:crypto";
import type { Attribute, Graph, Tensor } from "../../src/engine/graph/types.js";

/**
 * Hex SHA-256, 16 digits. Values are numbered in the order in which they are defined: inputs, then initialisers in the order of
 * their first use, then what the nodes compute. Two graphs with equal hashes run the same operators on the same numbers.
 */
export function graphHash(graph: Graph): string {
  const hash = createHash("sha256");
  describe(graph, new Map(), (part) => hash.update(part).update("\n"));
  return hash.digest("hex").slice(0, 16);
}

function describe(graph: Graph, outer: ReadonlyMap<string, number>, say: (part: string | Uint8Array) => void): void {
  const numbers = new Map(outer);
  const define = (name: string): number => {
    const number = numbers.size;
    numbers.set(name, number);
    return number;
  };
  for (const { name, dtype, shape } of graph.inputs)
    say(
      `input ${define(name)} ${dtype} ${JSON.stringify(shape?.map((d) => (typeof d === "number" ? d : "free")) ?? null)}`,
    );
  const use = (name: string): string => {
    if (name === "") return "-";
    const known = numbers.get(name);
    if (known !== undefined) return String(known);
    const tensor = graph.initializers.get(name);
    if (!tensor) throw new Error(`"${name}" is used before it is defined`);
    const number = define(name);
    say(`initialiser ${number}`);
    sayTensor(tensor, say);
    return String(number);
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(use);
    say(
      `${node.domain}:${node.op} (${inputs.join(",")}) -> ${node.outputs.map((o) => (o ? define(o) : "-")).join(",")}`,
    );
    for (const [name, attribute] of Object.entries(node.attributes).sort(([a], [b]) => (a < b ? -1 : 1))) {
      say(`  ${name} ${attribute.kind}`);
      sayAttribute(attribute, numbers, say);
    }
  }
  for (const { name } of graph.outputs) say(`output ${use(name)}`);
}

function sayAttribute(
  attribute: Attribute,
  numbers: ReadonlyMap<string, number>,
  say: (part: string | Uint8Array) => void,
): void {
  if (attribute.kind === "tensor") sayTensor(attribute.value, say);
  else if (attribute.kind === "graph") describe(attribute.value, numbers, say);
  else say(JSON.stringify(attribute.value));
}

function sayTensor({ dtype, shape, data }: Tensor, say: (part: string | Uint8Array) => void): void {
  say(`  ${dtype} [${shape}]`);
  if (ArrayBuffer.isView(data)) say(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  else say(JSON.stringify(data));
}
