/** A graph for reading: one line for each input, initialiser, node and output. */
import { noun } from "../../base/noun.js";
import type { Attribute, Graph, Node, Tensor, ValueType } from "./types.js";

/** Elements of a constant that are written out. */
const SHOWN = 8;

/** `name: Op(inputs; attributes) -> output [shape]`, in the order of execution. A shape says its type unless that is float32. */
export function graphLines(graph: Graph): string[] {
  const outputs = new Map(graph.outputs.map((o) => [o.name, o]));
  const typeOf = (name: string): ValueType | undefined => graph.valueTypes?.get(name) ?? outputs.get(name);
  return [
    ...graph.inputs.map((i) => `input ${i.name} ${typeText(i)}`),
    ...[...graph.initializers].map(([name, t]) => `initializer ${name} ${typeText(t)}${valueText(t)}`),
    ...graph.nodes.map((node) => nodeLine(node, typeOf)),
    ...graph.outputs.map((o) => `output ${o.name} ${typeText(o)}`),
  ];
}

/** The name of an operator with its domain, where that is not ONNX's own. */
export function opName({ op, domain }: Pick<Node, "op" | "domain">): string {
  return domain === "" ? op : `${domain}.${op}`;
}

function nodeLine(node: Node, typeOf: (name: string) => ValueType | undefined): string {
  const attributes = Object.entries(node.attributes).map(([name, a]) => `${name}=${attributeText(a)}`);
  // An absent input in the middle keeps its place.
  const given = [node.inputs.map((name) => name || "-").join(", "), attributes.join(", ")].filter(
    (part) => part !== "",
  );
  const made = node.outputs.map((name) => (name === "" ? "-" : `${name} ${typeText(typeOf(name))}`));
  return `${node.name}: ${opName(node)}(${given.join("; ")}) -> ${made.join(", ")}`;
}

function typeText(type: ValueType | undefined): string {
  if (!type) return "[?]";
  const shape = type.shape ? `[${type.shape.map((d) => d ?? "?").join(", ")}]` : "[?]";
  return type.dtype === "float32" ? shape : `${shape} ${type.dtype}`;
}

/** The values of a small constant. */
function valueText({ data }: Tensor): string {
  const values = data as ArrayLike<unknown>;
  return values.length > SHOWN ? "" : ` = ${Array.from(values, numberText).join(", ")}`;
}

/** Float32 values are exact to about seven digits; what follows is noise of the conversion. */
function numberText(value: unknown): string {
  return typeof value === "number" ? String(Number(value.toPrecision(7))) : String(value);
}

function attributeText(attribute: Attribute): string {
  switch (attribute.kind) {
    case "tensor":
      return `${typeText(attribute.value)}${valueText(attribute.value)}`;
    case "graph":
      return `graph of ${noun(attribute.value.nodes.length, "node")}`;
    case "opaque":
      return "...";
    case "string":
      return JSON.stringify(attribute.value);
    case "int":
    case "float":
      return numberText(attribute.value);
    default:
      return `[${Array.from<unknown>(attribute.value).map(numberText).join(", ")}]`;
  }
}
