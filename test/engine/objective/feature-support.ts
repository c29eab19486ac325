/** Feature losses as graphs of their own: features and parameters are inputs, gradients of both are outputs. */
import { backward } from "../../../src/engine/autodiff/backward.js";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { int64s, sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../../src/engine/graph/types.js";
import type { LossConfig, LossEntry } from "../../../src/engine/objective/entry.js";
import { findLoss } from "../../../src/engine/objective/registry.js";
import { lossSettingsOf } from "../../../src/engine/objective/settings.js";
import type { LossInputs, LossMemory, LossState } from "../../../src/engine/objective/types.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { evaluateReference } from "../ops/support/reference.js";

export interface Given {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export interface Pair {
  readonly student: Given;
  readonly teacher: Given;
}

export interface Config extends LossConfig {
  readonly [option: string]: unknown;
}

export interface FeatureGraph {
  readonly graph: Graph;
  /** Shapes of the parameters asked for, by name. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** Shapes of the states asked for, by name. */
  readonly states: ReadonlyMap<string, readonly number[]>;
}

export function definitionOf(kind: string): LossEntry {
  const found = findLoss(kind);
  if (!found) throw new Error(`no feature loss ${kind}`);
  return found;
}

/** Inputs: "s<i>", "t<i>", "p/<name>", "rows", "others/<name>", "state/<name>". Outputs: "loss", "gradient/<input>", "next/<name>". */
export function featureGraph(
  config: Config,
  shapes: readonly { readonly student: readonly number[]; readonly teacher: readonly number[] }[],
  dtype: "float32" | "float64" = "float64",
  count?: number,
): FeatureGraph {
  const b = createBuilder("feature_loss");
  const pairs = shapes.map((s, i) => ({
    student: b.input(`s${i}`, dtype, s.student),
    teacher: b.input(`t${i}`, dtype, s.teacher),
    names: { student: `student layer ${i}`, teacher: `teacher layer ${i}` },
  }));
  const parameters: Value[] = [];
  const states = new Map<string, { value: Value; next?: Value }>();
  const numbers = (name: string, size: number): Value => b.find(name) ?? b.input(name, "int64", [size]);
  const keep = (name: string, shape: readonly number[], rows?: Value): LossState => {
    const state: { value: Value; next?: Value } = { value: b.input(`state/${name}`, dtype, shape) };
    states.set(name, state);
    const places = rows && b.op("Unsqueeze", [rows, b.constant(int64s([1]))]);
    return {
      value: state.value,
      become: (next) => {
        state.next = places ? b.op("ScatterND", [state.value, places, next]) : next;
      },
    };
  };
  const memory: LossMemory | undefined =
    count === undefined
      ? undefined
      : {
          count,
          get rows() {
            return numbers("rows", shapes[0]?.student[0] ?? 1);
          },
          others: (name, size) => numbers(`others/${name}`, size),
          state: (name, shape) => keep(name, shape),
          table: (name, width) => keep(name, [count, width], numbers("rows", shapes[0]?.student[0] ?? 1)),
        };
  const inputs: LossInputs = {
    memory,
    builder: b,
    studentLogits: b.input("logits", dtype, [shapes[0]?.student[0] ?? 1, 2]),
    scalar: (name) => b.input(`scalar/${name}`, dtype, []),
    features: (layers) => {
      if (layers.length !== pairs.length) throw new Error("a pair is missing");
      return pairs;
    },
    parameter: (name, shape) => {
      const value = b.input(`p/${name}`, dtype, shape);
      parameters.push(value);
      return value;
    },
  };
  const layers = pairs.map((p) => p.names);
  // What the build itself refuses is under test too.
  const { check: _, ...entry } = definitionOf(config.kind);
  const loss = entry.build(inputs, lossSettingsOf(entry, { layers, ...config } as Config, "objective.terms.0"));
  const leaves = [...pairs.map((p) => p.student), ...parameters];
  const gradients = backward(b, (call) => opOf(call).gradient, loss, leaves);
  b.output(loss, "loss");
  gradients.forEach((g, i) => {
    if (!g) throw new Error(`no gradient reaches ${leaves[i]?.name}`);
    b.output(g, `gradient/${leaves[i]?.name}`);
  });
  for (const [name, { next }] of states) b.output(next as Value, `next/${name}`);
  return {
    graph: b.build(),
    parameters: new Map(parameters.map((p) => [p.name.slice(2), p.shape])),
    states: new Map([...states].map(([name, { value }]) => [name, value.shape])),
  };
}

export function feedsOf(
  graph: Graph,
  pairs: readonly Pair[],
  parameters: Readonly<Record<string, Given>> = {},
  dtype: "float32" | "float64" = "float64",
): Map<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  const put = (name: string, { shape, values }: Given): void => {
    if (graph.inputs.some((i) => i.name === name)) feeds.set(name, tensor(dtype, [...values], shape));
  };
  pairs.forEach((p, i) => {
    put(`s${i}`, p.student);
    put(`t${i}`, p.teacher);
  });
  for (const [name, given] of Object.entries(parameters)) put(`p/${name}`, given);
  const [rows = 1] = pairs[0]?.student.shape ?? [];
  put("logits", { shape: [rows, 2], values: Array<number>(2 * rows).fill(0) });
  return feeds;
}

/** What a loss that remembers is fed besides. */
export interface Remembered {
  readonly count: number;
  readonly rows: readonly number[];
  readonly others: Readonly<Record<string, readonly number[]>>;
  readonly states: Readonly<Record<string, Given & { readonly next: readonly number[] }>>;
}

export function memoryFeeds(memory: Remembered, dtype: "float32" | "float64" = "float64"): Map<string, Tensor> {
  const whole = (values: readonly number[]): Tensor => tensor("int64", [...values]);
  return new Map([
    ["rows", whole(memory.rows)],
    ...Object.entries(memory.others).map(([name, v]) => [`others/${name}`, whole(v)] as const),
    ...Object.entries(memory.states).map(
      ([name, v]) => [`state/${name}`, tensor(dtype, [...v.values], v.shape)] as const,
    ),
  ]);
}

/** The loss in float64 by the reference evaluator. */
export function lossOf(
  config: Config,
  pairs: readonly Pair[],
  parameters: Readonly<Record<string, Given>> = {},
): number {
  const shapes = pairs.map((p) => ({ student: p.student.shape, teacher: p.teacher.shape }));
  const graph = lowerGraph(featureGraph(config, shapes).graph);
  return Number(evaluateReference(graph, feedsOf(graph, pairs, parameters)).get("loss")?.data[0]);
}

/** Numbers in about [-2, 2]. */
export function numbers(shape: readonly number[], seed: number): Given {
  return {
    shape,
    values: Array.from({ length: sizeOf(shape) }, (_, i) => 2 * Math.sin(seed + 12.9898 * i * (1 + 0.01 * i))),
  };
}

export const changed = (given: Given, change: (v: number, i: number) => number): Given => ({
  shape: given.shape,
  values: given.values.map(change),
});
