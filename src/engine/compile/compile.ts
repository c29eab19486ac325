/** From a student and an objective to the programs an executor runs. */

import { debug, since } from "../../base/debug.js";
import { irVersionFor } from "../graph/opsets.js";
import { CANONICAL_OPSET, type Graph, type Model } from "../graph/types.js";
import { writeModel } from "../graph/write.js";
import { curveAt, type ScalarCurve } from "../objective/schedule.js";
import type { DiagnosticProgram, EvaluationProgram, StepProgram } from "../runtime/types.js";
import { evaluationGraph } from "./evaluation.js";
import { lowerGraph, type Target } from "./lower.js";
import { peakBytes } from "./memory.js";
import { defaultPasses, type Pass, type PassOptions, runPasses, webgpuPasses } from "./passes/index.js";
import { padChannels } from "./passes/pad-channels.js";
import { recompute } from "./passes/recompute.js";
import { buildStep, LOSS, type StepOptions } from "./step.js";
import { verifyTypedGraph } from "./verify.js";

export interface CompiledTraining {
  readonly step: StepProgram;
  readonly evaluation: EvaluationProgram;
  readonly diagnostic: DiagnosticProgram | undefined;
  /** Values of `step.scalars` as configured, in order. */
  readonly scalars: Float32Array;
  /** Those of them that change over the training, by their place in `scalars`. */
  readonly scheduled: readonly { readonly index: number; readonly curve: ScalarCurve }[];
  /** Start values of the losses' own parameters, by name: parameters of the step that do not belong to the student. */
  readonly connectors: ReadonlyMap<string, Float32Array>;
  /** Start values of what the losses keep from step to step, by name: buffers of the step, not of the student. */
  readonly states: ReadonlyMap<string, () => Float32Array>;
  /** Names of the objective's terms, aligned with step.losses[1..]. */
  readonly terms: readonly string[];
  /** Bytes that one execution of the step keeps at once, at the most; see peakBytes. */
  readonly memory: number;
}

export interface CompileOptions extends StepOptions {
  /**
   * Verify the graph after every pass (types, shapes, single assignment, no dangling names). Default: whether the debug
   * scope "verify" is on.
   */
  readonly verify?: boolean;
  /** Told of every pass over the step's graph and the diagnostic's. */
  readonly onPass?: PassOptions["onPass"];
  /** Compute cheap values again in the backward pass instead of keeping them: less memory, a little more time, the same numbers. */
  readonly recompute?: boolean;
  /** What the graphs are lowered for; default "plain". */
  readonly target?: Target;
}

/** Compiles the programs of one training. Pure: the same options give the same bytes. */
export function compileTraining(options: CompileOptions): CompiledTraining {
  const { verify = debug("verify") !== null, onPass } = options;
  const started = performance.now();
  const graphs = buildStep({ ...options, wholeTables: options.target === "webgpu" });
  debug("compile")?.(`${graphs.step.name}: built in ${since(started)}, nodes: ${graphs.step.nodes.length}`);
  const passes = options.target === "webgpu" ? webgpuPasses : defaultPasses;
  const evaluation = evaluationGraph(options.model);
  const recomputing: Pass = { name: "recompute", run: (graph) => recompute(graph, LOSS) };
  const lowering: Pass = { name: "lowering", run: (graph) => lowerGraph(graph, options.target) };
  let memory = 0;
  const finish = (graph: Graph): Uint8Array => {
    if (verify) verifyTypedGraph(graph);
    const again = options.recompute && graph === graphs.step ? [recomputing] : [];
    const optimised = runPasses(graph, [lowering, ...passes, ...again], { verify, onPass });
    memory = Math.max(memory, peakBytes(optimised));
    return writeModel(asModel(optimised));
  };
  const programs = {
    step: {
      graph: finish(graphs.step),
      parameters: graphs.parameters,
      buffers: graphs.buffers,
      batch: graphs.batch,
      masks: graphs.masks,
      scalars: graphs.scalars.map((s) => s.name),
      losses: graphs.losses,
      ...(options.recompute ? { repeats: true } : {}),
    },
    diagnostic: graphs.diagnostic
      ? { graph: finish(graphs.diagnostic), outputs: graphs.diagnostic.outputs.map((o) => o.name) }
      : undefined,
    evaluation: {
      graph: writeModel(asModel(options.target === "webgpu" ? padChannels(evaluation) : evaluation)),
      state: [...options.model.parameters, ...options.model.buffers],
      inputs: options.inputs.map(({ shape, dtype }, i) => ({ name: options.model.inputs[i] as string, dtype, shape })),
      output: options.model.output,
    },
    scalars: Float32Array.from(graphs.scalars, (s) => s.initial),
    scheduled: graphs.scalars.flatMap(({ curve }, index) => (curve ? [{ index, curve }] : [])),
    connectors: graphs.connectors,
    states: graphs.states,
    terms: graphs.terms,
  };
  return { ...programs, memory };
}

/** Values of `step.scalars` at a step (from 0) of a training of so many steps. */
export function scalarsAt(
  { scalars, scheduled }: Pick<CompiledTraining, "scalars" | "scheduled">,
  step: number,
  steps: number,
): Float32Array {
  const values = scalars.slice();
  for (const { index, curve } of scheduled) values[index] = curveAt(curve, step, steps);
  return values;
}

/** A graph of ours as a model for execution: canonical opset, the executor's own domains at version 1, no metadata. */
export function asModel(graph: Graph): Model {
  const domains = new Set(graph.nodes.map((n) => n.domain).filter((d) => d !== ""));
  return {
    graph,
    opsets: { "": CANONICAL_OPSET, ...Object.fromEntries([...domains].sort().map((d) => [d, 1])) },
    irVersion: irVersionFor(CANONICAL_OPSET),
    producerName: "limbeck",
    metadata: {},
  };
}
