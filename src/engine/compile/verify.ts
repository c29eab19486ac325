/** The verifier in full: what graph/verify.ts checks, and the type and shape of every value, asked of the ops again. */
import type { OpCall, Value } from "../graph/builder.js";
import type { Graph, Node, Tensor, ValueType } from "../graph/types.js";
import { verifyGraph } from "../graph/verify.js";
import { opOf } from "../ops/registry.js";

/**
 * Checks a static graph: single assignment, no dangling names, order, and that every value has the type and shape which
 * the op behind it gives for its inputs. A pass may neither change a type unnoticed nor leave a value without one.
 * @throws Error listing the first problems, with the node of each
 */
export function verifyTypedGraph(graph: Graph): void {
  verifyGraph(graph);
  const values = new Map<string, Value>();
  const problems: string[] = [];
  const declare = (name: string, type: ValueType | undefined, what: string): void => {
    if (!type) problems.push(`${what} "${name}" has no type`);
    else if (!type.shape?.every((d) => typeof d === "number")) problems.push(`${what} "${name}" has no static shape`);
    else values.set(name, { name, dtype: type.dtype, shape: type.shape as readonly number[] });
  };
  for (const input of graph.inputs) declare(input.name, input, "input");
  for (const [name, tensor] of graph.initializers) declare(name, tensor, "initialiser");
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== "") declare(name, graph.valueTypes?.get(name), "value");
    const problem = problemOf(node, values, graph.initializers);
    if (problem) problems.push(`node "${node.name}" (${node.op}) ${problem}`);
  }
  for (const output of graph.outputs) {
    const value = values.get(output.name);
    if (value && shown(value) !== shown(output))
      problems.push(`output "${output.name}" is declared ${shown(output)}, but is ${shown(value)}`);
  }
  if (problems.length > 0)
    throw new Error(
      `graph "${graph.name}" is not valid: ${problems.slice(0, 5).join("; ")}${problems.length > 5 ? ` and ${problems.length - 5} more` : ""}`,
    );
}

function problemOf(
  node: Node,
  values: ReadonlyMap<string, Value>,
  constants: ReadonlyMap<string, Tensor>,
): string | undefined {
  const call: OpCall = {
    name: node.name,
    op: node.op,
    domain: node.domain,
    attributes: node.attributes,
    inputs: node.inputs.map((name) => values.get(name)),
    constants: node.inputs.map((name) => constants.get(name)),
  };
  // Its inputs' own problem is named already.
  if (node.inputs.some((name, i) => name !== "" && !call.inputs[i])) return undefined;
  try {
    const types = opOf(call).infer(call);
    for (const [i, name] of node.outputs.entries()) {
      const [found, expected] = [values.get(name), types[i]];
      if (name === "" || !found) continue;
      if (!expected) return `has no output ${i}`;
      if (shown(found) !== shown(expected))
        return `gives ${shown(expected)}, but "${name}" is declared ${shown(found)}`;
    }
    return undefined;
  } catch (error) {
    return `does not fit: ${(error as Error).message}`;
  }
}

const shown = (type: ValueType): string => `${type.dtype} [${type.shape}]`;
