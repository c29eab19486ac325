/** Checks that a graph is one: used after every pass in tests and under a debug flag. */
import { sizeOf } from "./tensor.js";
import type { Graph } from "./types.js";

/**
 * @param outer names defined outside (for subgraphs)
 * @throws Error listing the first problems: double assignment, dangling names, order, unnamed nodes, sizes
 */
export function verifyGraph(graph: Graph, outer: ReadonlySet<string> = new Set()): void {
  const problems: string[] = [];
  const defined = new Set<string>(outer);
  const define = (name: string, what: string): void => {
    if (name === "") problems.push(`${what} has an empty name`);
    else if (defined.has(name)) problems.push(`"${name}" is assigned twice (${what})`);
    defined.add(name);
  };
  for (const input of graph.inputs) define(input.name, "input");
  for (const [name, t] of graph.initializers) {
    define(name, "initialiser");
    if (t.data.length !== sizeOf(t.shape))
      problems.push(`initialiser "${name}" of shape [${t.shape}] holds ${t.data.length} elements`);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === "" || names.has(node.name))
      problems.push(`node name "${node.name}" is ${node.name ? "taken twice" : "empty"} (${node.op})`);
    names.add(node.name);
    for (const input of node.inputs) {
      if (input !== "" && !defined.has(input))
        problems.push(`node "${node.name}" (${node.op}) reads "${input}", which is not defined before it`);
    }
    for (const a of Object.values(node.attributes)) if (a.kind === "graph") verifyGraph(a.value, defined);
    for (const output of node.outputs) if (output !== "") define(output, `output of node "${node.name}"`);
  }
  for (const output of graph.outputs)
    if (!defined.has(output.name)) problems.push(`output "${output.name}" is not defined`);
  if (problems.length > 0)
    throw new Error(
      `graph "${graph.name}" is not valid: ${problems.slice(0, 5).join("; ")}${problems.length > 5 ? ` and ${problems.length - 5} more` : ""}`,
    );
}
