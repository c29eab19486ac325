/** How large a model is, in the same words wherever it is asked. */
import { isFloat, sizeOf } from "../graph/tensor.js";
import type { Graph } from "../graph/types.js";
import { NORMALISE } from "./normalise.js";

export interface ModelSize {
  /** Elements of the float weights. Scalars (a factor, an epsilon) are constants of the computation, not parameters. */
  readonly parameters: number;
  /** Elements of the running means and variances of batch norm, which no gradient changes. */
  readonly statistics: number;
}

/** Counts what a model holds, from its initialisers; what an export has in front to normalise samples counts as neither. */
export function modelSize({ nodes, initializers }: Pick<Graph, "nodes" | "initializers">): ModelSize {
  const norms = nodes.filter((n) => n.domain === "" && n.op === "BatchNormalization");
  const running = new Set(norms.flatMap((n) => n.inputs.slice(3, 5)));
  let [parameters, statistics] = [0, 0];
  for (const [name, { dtype, shape }] of initializers) {
    if (!isFloat(dtype) || shape.length === 0 || name.startsWith(NORMALISE)) continue;
    if (running.has(name)) statistics += sizeOf(shape);
    else parameters += sizeOf(shape);
  }
  return { parameters, statistics };
}
