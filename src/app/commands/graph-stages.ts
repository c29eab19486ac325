/** The graphs of a model or of a recipe's training step, before and after every pass; behind `limbeck inspect --graph`. */
import { compileTraining } from "../../engine/compile/compile.js";
import { importGraph } from "../../engine/compile/import-graph.js";
import type { Target } from "../../engine/compile/lower.js";
import { changeBetween, type GraphChange } from "../../engine/compile/passes/change.js";
import type { Value } from "../../engine/graph/builder.js";
import type { Graph, Model } from "../../engine/graph/types.js";
import { createBuilder } from "../../engine/ops/registry.js";
import { InputError } from "../../base/errors.js";
import { targetOf } from "../../learn/train/train.js";
import { inspectedStep } from "./inspected-step.js";
import { loadAudited } from "../../run/folder/load-audited.js";
import type { Plan } from "../../run/recipe/schema/schema.js";

/** A graph after a pass; the first stage is the graph that the passes begin with. */
export interface GraphStage {
  readonly pass: string;
  readonly graph: Graph;
  /** Against the stage before; null for the first. */
  readonly change: GraphChange | null;
}

export interface StagedGraph {
  readonly name: string;
  readonly stages: readonly GraphStage[];
}

export interface StagedGraphs {
  readonly graphs: readonly StagedGraph[];
  /** Sentences about what could not be shown. */
  readonly notes: readonly string[];
}

/** Collects what passes say; a graph is known by its name. */
class StageCollector {
  readonly #graphs = new Map<string, GraphStage[]>();

  /** @param first what the graph is called that the passes begin with */
  constructor(private readonly first: string) {}

  readonly onPass = (pass: string, before: Graph, after: Graph): void => {
    const stages = this.#graphs.get(after.name) ?? [{ pass: this.first, graph: before, change: null }];
    this.#graphs.set(after.name, [...stages, { pass, graph: after, change: changeBetween(before, after) }]);
  };

  get graphs(): StagedGraph[] {
    return [...this.#graphs].map(([name, stages]) => ({ name, stages }));
  }
}

/**
 * What an ONNX file goes through before it can be trained; at last with a batch of one sample, where everything is folded
 * that only depends on shapes.
 * @param where names the model in notes
 */
export function modelStages(model: Model, where: string): StagedGraphs {
  const collector = new StageCollector("as read");
  try {
    const { graph } = importGraph(model, where, collector);
    collector.onPass("static-shapes", graph, staticGraph(graph));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { graphs: collector.graphs, notes: [`the next pass is not possible: ${error.message}`] };
  }
  return { graphs: collector.graphs, notes: [] };
}

/** The graph as a training step takes it in, for one sample. @throws InputError when another dimension is free, or an op unknown */
function staticGraph(graph: Graph): Graph {
  const b = createBuilder(graph.name);
  const bindings = new Map<string, Value>();
  for (const { name, dtype, shape } of graph.inputs) {
    const [, ...rest] = shape ?? [];
    if (!shape || rest.some((d) => typeof d !== "number"))
      throw new InputError({
        code: "model-input",
        where: `input "${name}"`,
        found: `its shape is [${shape?.map((d) => d ?? "?").join(", ") ?? "?"}]`,
        expected: "numbers, but for the batch",
      });
    const sizes = shape.map((d) => (typeof d === "number" ? d : 1));
    bindings.set(name, b.input(name, dtype, sizes));
  }
  const values = b.inline(graph, bindings);
  for (const { name } of graph.outputs) b.output(values.get(name) as Value, name);
  return b.build();
}

export interface StepStagesOptions {
  /** Paths of the recipe start here. */
  readonly folder: string;
  /** What the graphs are lowered for; default: what trains fastest on this processor. */
  readonly target?: Target;
  /** Of ONNX Runtime, for a teacher that is asked. */
  readonly threads: number;
}

export interface StagedStep extends StagedGraphs {
  /** What the graphs are lowered for: "plain", "webgpu", or "blocked 8" (or 16) channels, ONNX Runtime's layout for this processor. */
  readonly target: string;
  readonly batch: number;
}

/**
 * The training step of a recipe's student, as this machine compiles it, and the graph that measures gradient shares where the
 * objective has several terms. The data is read; nothing is trained.
 * @throws InputError when recipe, data or teacher cannot be used
 */
export async function stepStages(plan: Plan, options: StepStagesOptions): Promise<StagedStep> {
  const loaded = await loadAudited(plan.data, { ...options, student: plan.student });
  const target = options.target ?? (await targetOf("cpu"));
  const step = await inspectedStep(plan, loaded, options);
  const collector = new StageCollector("built");
  compileTraining({ ...step, target, onPass: collector.onPass });
  const name = typeof target === "string" ? target : `blocked ${target.blocked}`;
  return { graphs: collector.graphs, notes: [], target: name, batch: step.batch };
}
