/** Several students as one: one graph with the inputs of each, their logits side by side. */
import { InputError } from "../../base/errors.js";
import { int } from "../graph/attributes.js";
import type { TrainableModel } from "../graph/trainable-model.js";
import type { Graph, Node, Tensor, ValueInfo } from "../graph/types.js";

/** Prefix of everything that belongs to the i-th student. */
const prefix = (i: number): string => `peer${i + 1}/`;

/**
 * One model of several students that share their inputs and nothing else.
 * @param models each [batch, classes], with the same classes
 * @returns a model with outputs [batch, models.length * classes]; its parameters are those of all, prefixed
 * @throws InputError when they take different inputs or give different classes
 */
export function joinPeers(models: readonly TrainableModel[]): TrainableModel {
  const [first] = models as [TrainableModel, ...TrainableModel[]];
  const inputs = first.inputs.map((name) => inputOf(first, name));
  const classes = models.map((m) => m.graph.outputs.find((o) => o.name === m.output)?.shape?.at(-1));
  if (typeof classes[0] !== "number" || classes.some((c) => c !== classes[0]))
    throw new InputError({
      code: "array-mismatch",
      where: "strategy",
      found: `the students have ${classes.join(", ")} classes`,
      expected: "the same number of classes in all of them",
    });
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  for (const [i, model] of models.entries()) {
    const types = model.inputs.map((name) => inputOf(model, name).dtype);
    if (types.join() !== inputs.map((v) => v.dtype).join())
      throw new InputError({
        code: "array-mismatch",
        where: "strategy",
        found: "the students take samples of different types",
        expected: "the same type in all of them",
        cure: "Export the students with the same input type",
      });
    const renamed = (name: string): string => {
      const at = model.inputs.indexOf(name);
      return name === "" ? "" : at < 0 ? prefix(i) + name : sharedName(at);
    };
    for (const n of model.graph.nodes)
      nodes.push({ ...n, name: prefix(i) + n.name, inputs: n.inputs.map(renamed), outputs: n.outputs.map(renamed) });
    for (const [name, t] of model.graph.initializers) initializers.set(renamed(name), t);
  }
  const logits = models.map((m, i) => prefix(i) + m.output);
  nodes.push({
    name: "peers/concat",
    op: "Concat",
    domain: "",
    inputs: logits,
    outputs: ["peers"],
    attributes: { axis: int(1) },
  });
  const all = (names: (m: TrainableModel) => Iterable<string>): string[] =>
    models.flatMap((m, i) => Array.from(names(m), (name) => prefix(i) + name));
  const graph: Graph = {
    name: "peers",
    inputs: inputs.map((input, i) => ({ ...input, name: sharedName(i) })),
    outputs: [{ name: "peers", dtype: "float32", shape: ["batch", models.length * classes[0]] }],
    nodes,
    initializers,
  };
  return {
    graph,
    parameters: all((m) => m.parameters),
    buffers: all((m) => m.buffers),
    undecayed: new Set(all((m) => m.undecayed ?? [])),
    inputs: inputs.map((_, i) => sharedName(i)),
    output: "peers",
  };
}

const sharedName = (i: number): string => (i === 0 ? "samples" : `samples/${i}`);

function inputOf({ graph }: TrainableModel, name: string): ValueInfo {
  const found = graph.inputs.find((i) => i.name === name);
  if (!found) throw new Error(`graph "${graph.name}" has no input "${name}"`);
  return found;
}

/** The i-th student's own part of weights by name. */
export function weightsOfPeer(weights: ReadonlyMap<string, Float32Array>, i: number): Map<string, Float32Array> {
  return new Map(
    [...weights].flatMap(([name, values]) =>
      name.startsWith(prefix(i)) ? [[name.slice(prefix(i).length), values] as const] : [],
    ),
  );
}
