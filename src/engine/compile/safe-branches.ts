/**
 * Branches of Where that are not taken must not reach the gradient. Where(x > 0, log(x), 0) is finite at x = 0, but the
 * derivative of the branch not taken is 0 * (1 / 0), which is NaN. The same holds for Where(IsNaN(p), 0, p) over p = softmax(x)
 * with a row that is masked as a whole. Such a branch is computed once more from inputs that are harmless wherever it is not
 * taken: the values stay, and the gradient sees those alone.
 */
import { scalar } from "../graph/tensor.js";
import type { DType, Graph, Node } from "../graph/types.js";

/** Elementwise ops whose derivative is not finite everywhere, with the operand that decides. */
const RISKY: Readonly<Record<string, number>> = {
  Log: 0,
  Sqrt: 0,
  Reciprocal: 0,
  Exp: 0,
  Pow: 0,
  Div: 1,
  Acos: 0,
  Asin: 0,
  Atanh: 0,
  Acosh: 0,
  Tan: 0,
};
/** Elementwise ops that hand what is not finite on. */
const THROUGH = new Set(["Add", "Sub", "Mul", "Div", "Neg", "Abs", "Cast", "Identity", "Clip", "Relu", "Max", "Min"]);
/** A value at which every op above and its derivative are finite. */
const HARMLESS = 0.5;

/** @returns the graph itself where no branch is at risk */
export function safeBranches(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.op !== "Where" || node.domain !== "") return [node];
    const added: Node[] = [];
    const inputs = node.inputs.map((input, i) => (i === 0 ? input : rewriting.branch(node, input, i === 1, added)));
    return [...added, added.length > 0 ? { ...node, inputs } : node];
  });
  if (!rewriting.changed) return graph;
  return { ...graph, nodes, initializers: new Map([...graph.initializers, ...rewriting.constants]) };
}

class Rewriting {
  readonly constants = new Map<string, ReturnType<typeof scalar>>();
  changed = false;
  readonly #makers: ReadonlyMap<string, Node>;
  readonly #taken: Set<string>;

  constructor(graph: Graph) {
    this.#makers = new Map(graph.nodes.flatMap((n) => n.outputs.map((o) => [o, n] as const)));
    this.#taken = new Set([
      ...graph.initializers.keys(),
      ...graph.inputs.map((i) => i.name),
      ...graph.nodes.flatMap((n) => [n.name, ...n.outputs]),
    ]);
  }

  /**
   * The branch from harmless inputs; the branch itself where it is not at risk.
   * @param when whether it is taken where the condition holds
   */
  branch(where: Node, value: string, when: boolean, added: Node[]): string {
    const maker = this.#makers.get(value);
    if (!maker || maker.domain !== "") return value;
    if (maker.op === "Softmax" && this.#asksForNaN(where.inputs[0] ?? "", value, when))
      return this.#again(maker, 0, where, when, added);
    return this.#rebuilt(maker, where, when, added) ?? value;
  }

  /** Whether a condition is IsNaN of this very value, or its negation, so that the branch is taken where it is a number. */
  #asksForNaN(condition: string, value: string, when: boolean): boolean {
    const maker = this.#makers.get(condition);
    if (maker?.op === "Not") return this.#asksForNaN(maker.inputs[0] ?? "", value, !when);
    return maker?.op === "IsNaN" && maker.inputs[0] === value && !when;
  }

  /** The chain of elementwise ops that ends in this node, with harmless operands; undefined where nothing in it is at risk. */
  #rebuilt(node: Node, where: Node, when: boolean, added: Node[]): string | undefined {
    if (node.domain !== "") return undefined;
    const risk = RISKY[node.op];
    if (risk !== undefined) return this.#again(node, risk, where, when, added);
    if (!THROUGH.has(node.op)) return undefined;
    const inputs = node.inputs.map((input) => {
      const maker = this.#makers.get(input);
      return (maker && this.#rebuilt(maker, where, when, added)) ?? input;
    });
    if (inputs.every((input, i) => input === node.inputs[i])) return undefined;
    return this.#copy(node, inputs, added);
  }

  /** A copy of the node whose operand is harmless where the branch is not taken. */
  #again(node: Node, operand: number, where: Node, when: boolean, added: Node[]): string {
    const given = node.inputs[operand] ?? "";
    const maker = this.#makers.get(given);
    const before = (maker && this.#rebuilt(maker, where, when, added)) ?? given;
    const harmless = this.#harmless();
    const like = this.#fresh(`${node.name}/harmless`);
    added.push({ name: like, op: "CastLike", domain: "", inputs: [harmless, before], outputs: [like], attributes: {} });
    const masked = this.#fresh(`${node.name}/masked`);
    const inputs = when ? [where.inputs[0] ?? "", before, like] : [where.inputs[0] ?? "", like, before];
    added.push({ name: masked, op: "Where", domain: "", inputs, outputs: [masked], attributes: {} });
    return this.#copy(
      node,
      node.inputs.map((input, i) => (i === operand ? masked : input)),
      added,
    );
  }

  #copy(node: Node, inputs: readonly string[], added: Node[]): string {
    const name = this.#fresh(`${node.name}/safe`);
    added.push({ ...node, name, inputs, outputs: [name, ...node.outputs.slice(1).map(() => "")] });
    this.changed = true;
    return name;
  }

  #harmless(): string {
    const name = "safe-branches/harmless";
    if (!this.constants.has(name)) this.constants.set(name, scalar(HARMLESS, "float32" satisfies DType));
    return name;
  }

  #fresh(base: string): string {
    let name = base;
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}
