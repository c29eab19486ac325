/** Assembles one training step as data: forward, objective, backward. */

import { InputError } from "../../base/errors.js";
import { appendTo } from "../../base/extremes.js";
import { quote } from "../../base/quote.js";
import { backward } from "../autodiff/backward.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { sizeOf } from "../graph/tensor.js";
import type { TrainableModel } from "../graph/trainable-model.js";
import type { Graph } from "../graph/types.js";
import {
  buildObjective,
  checkSampleWeights,
  type ObjectiveConfig,
  type ObjectiveScalar,
} from "../objective/objective.js";
import { createBuilder, opOf } from "../ops/registry.js";
import type { BatchInput, BufferSlot, MaskInput, ParameterSlot } from "../runtime/types.js";
import { type InputOptions, StepInputs } from "./step-inputs.js";
import { type MemoryOptions, memoryOf, type State, startOf, stateSlot } from "./step-memory.js";
import { trainingMode } from "./training-mode.js";

export {
  BLEND_LABELS,
  BLEND_SHARE,
  FEATURE,
  LABELS,
  OTHERS,
  ROWS,
  SAMPLES,
  type StepPort,
  samplesName,
  TEACHER,
  TEACHER_WEIGHTS,
  type TeacherFeature,
} from "./step-inputs.js";

/** Output of the total loss; a term's is this, a slash and its name. */
export const LOSS = "step/loss";

export interface StepOptions extends InputOptions, MemoryOptions {
  /** With normalisation already in front: takes raw samples. */
  readonly model: TrainableModel;
  readonly objective: ObjectiveConfig;
}

/** The step before lowering. Field names follow `StepProgram`. */
export interface StepGraphs {
  readonly step: Graph;
  /** Gradient norm of each weighted term; null when there is only one term. */
  readonly diagnostic: Graph | null;
  readonly parameters: readonly ParameterSlot[];
  readonly buffers: readonly BufferSlot[];
  readonly batch: readonly BatchInput[];
  readonly masks: readonly MaskInput[];
  readonly scalars: readonly ObjectiveScalar[];
  /** Start values of the losses' own parameters, by name: they are among `parameters`, but no part of the student. */
  readonly connectors: ReadonlyMap<string, Float32Array>;
  /** Start values of what the losses keep from step to step, by name: among `buffers`, but no part of the student. */
  readonly states: ReadonlyMap<string, () => Float32Array>;
  /** Output names: total first. */
  readonly losses: readonly string[];
  /** Term names, aligned with losses[1..] and with the diagnostic's outputs. */
  readonly terms: readonly string[];
}

interface Assembled {
  readonly builder: GraphBuilder;
  readonly parameters: Value[];
  readonly updates: ReadonlyMap<string, Value>;
  readonly masks: readonly MaskInput[];
  readonly objective: ReturnType<typeof buildObjective>;
  readonly batch: BatchInput[];
  readonly connectors: readonly Connector[];
  readonly states: readonly State[];
}

/** A loss's own parameter. */
interface Connector {
  readonly value: Value;
  readonly start: Float32Array;
}

/**
 * Builds the step's graphs for a static batch.
 * @throws InputError when a trainable parameter does not reach the loss, an op has no rule or shapes do not fit
 */
export function buildStep(options: StepOptions): StepGraphs {
  const main = assemble(options, "training_step");
  const { builder: b } = main;
  const trained = [...main.parameters, ...main.connectors.map((c) => c.value)];
  const gradients = backward(b, (call) => opOf(call).gradient, main.objective.total, trained);
  b.output(main.objective.total, LOSS);
  const terms = main.objective.terms.map((t) => t.name);
  for (const term of main.objective.terms) b.output(term.value, `${LOSS}/${term.name}`);
  const parameters = trained.map((p, i): ParameterSlot => {
    const gradient = gradients[i];
    if (!gradient) {
      throw new InputError({
        code: "gradient-missing",
        where: `parameter ${quote(p.name)}`,
        found: "the loss does not depend on it, so it cannot be trained",
        cure: "Leave it out of student.trainable",
      });
    }
    b.output(gradient, `step/gradient/${p.name}`);
    return {
      name: p.name,
      shape: p.shape,
      gradient: `step/gradient/${p.name}`,
      decay: !options.model.undecayed?.has(p.name),
    };
  });
  const buffers = [...main.updates].map(([name, value]): BufferSlot => {
    b.output(value, `step/update/${name}`);
    return { name, shape: value.shape, update: `step/update/${name}` };
  });
  appendTo(
    buffers,
    main.states.map((state) => stateSlot(b, state, options.wholeTables ?? false)),
  );
  return {
    step: b.build(),
    diagnostic: terms.length > 1 ? buildDiagnostic(options) : null,
    parameters,
    buffers,
    batch: main.batch,
    masks: main.masks,
    scalars: main.objective.scalars,
    connectors: new Map(main.connectors.map((c) => [c.value.name, c.start])),
    states: new Map(main.states.map((s) => [s.value.name, s.start])),
    losses: [LOSS, ...terms.map((t) => `${LOSS}/${t}`)],
    terms,
  };
}

/** One backward pass per term: the global L2 norm of each weighted term's gradient. */
function buildDiagnostic(options: StepOptions): Graph {
  const { builder: b, parameters, objective } = assemble(options, "gradient_shares");
  for (const term of objective.terms) {
    const weighted = b.op("Mul", [term.value, term.weight]);
    const gradients = backward(b, (call) => opOf(call).gradient, weighted, parameters);
    const squares = gradients
      .filter((g) => g !== undefined)
      .map((g) => b.op("ReduceSumSquare", [g], { keepdims: { kind: "int", value: 0 } }));
    const [first] = squares;
    if (!first)
      throw new InputError({
        code: "gradient-missing",
        where: "objective",
        found: `the term "${term.name}" depends on no trainable parameter of the student`,
        expected: "a loss that reads the student's logits or a trained layer",
        cure: "Remove the term, or let it read the student",
      });
    const sum = squares.length > 1 ? b.op("Sum", squares) : first;
    b.output(b.op("Sqrt", [sum]), `step/norm/${term.name}`);
  }
  return b.build();
}

function assemble(options: StepOptions, name: string): Assembled {
  const { model } = options;
  const b = createBuilder(name);
  if (options.teachersWeighed) checkSampleWeights(options.objective);
  const inputs = new StepInputs(b, options);
  const bindings = new Map<string, Value>(model.inputs.map((name, i) => [name, inputs.samples[i] as Value]));
  const state = (id: string): Value => {
    const value = b.input(id, "float32", shapeOfParameter(model.graph, id));
    bindings.set(id, value);
    return value;
  };
  const parameters = model.parameters.map(state);
  for (const id of model.buffers) state(id);
  const mode = trainingMode(new Set(model.buffers));
  const values = b.scope("student", () => b.inline(model.graph, bindings, mode.rewrite));
  const logits = values.get(model.output);
  checkLogits(logits, options);
  const connectors: Connector[] = [];
  const states: State[] = [];
  const objective = buildObjective(
    {
      builder: b,
      studentLogits: logits as Value,
      get teacher() {
        return inputs.teacher;
      },
      get labels() {
        return inputs.labels;
      },
      get blend() {
        return inputs.blend;
      },
      scalar: (id: string) => b.input(`step/scalar/${id}`, "float32", []),
      features: (layers) => inputs.features(model, values, layers),
      parameter: (id, shape, start) => {
        const value = b.input(`step/connector/${id}`, "float32", shape);
        connectors.push({ value, start: startOf(value, start, options.seed ?? 0) });
        return value;
      },
      get memory() {
        return memoryOf(b, options, inputs, states);
      },
    },
    options.objective,
  );
  return {
    builder: b,
    parameters,
    updates: mode.updates,
    masks: mode.masks,
    objective: named(objective),
    batch: inputs.made,
    connectors,
    states,
  };
}

/** @throws InputError where the graph has no such parameter, or one that cannot be trained */
function shapeOfParameter(graph: Graph, id: string): readonly number[] {
  const tensor = graph.initializers.get(id);
  if (!tensor)
    throw new InputError({
      code: "layer-missing",
      where: `parameter ${quote(id)}`,
      found: `the graph ${quote(graph.name)} has no initialiser of that name`,
      cure: "Name one that limbeck inspect lists",
    });
  if (tensor.dtype !== "float32")
    throw new InputError({
      code: "model-unsupported",
      where: `parameter ${quote(id)}`,
      found: `it has the type ${tensor.dtype}`,
      expected: "float32 in a parameter that is trained",
      cure: "Export the model in float32, or freeze the parameter",
    });
  return tensor.shape;
}

/** Scalars are inputs of the graph under a prefix that no student uses. */
function named(objective: ReturnType<typeof buildObjective>): ReturnType<typeof buildObjective> {
  return { ...objective, scalars: objective.scalars.map((s) => ({ ...s, name: `step/scalar/${s.name}` })) };
}

function checkLogits(logits: Value | undefined, options: StepOptions): void {
  const { model, batch, objective } = options;
  const classes = options.classes * (objective.peers ?? 1);
  const where = `output ${quote(model.output)}`;
  if (!logits)
    throw new InputError({
      code: "model-output",
      where,
      found: `the graph ${quote(model.graph.name)} does not define it`,
      cure: "Export the model again, and check it with onnx.checker",
    });
  if (logits.shape.length !== 2 || logits.shape[0] !== batch || sizeOf(logits.shape) !== batch * classes) {
    throw new InputError({
      code: "model-output",
      where,
      found: `the student gives [${logits.shape}] for a batch of ${batch}`,
      expected: `[${batch},${classes}], one logit per class`,
    });
  }
}
