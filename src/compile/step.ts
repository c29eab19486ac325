/** Assembles one training step as data: forward, objective, backward. */
import { backward } from "../autodiff/backward.js";
import type { SampleType } from "../data/types.js";
import { InputError } from "../errors.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s, isFloat, scalar, sizeOf } from "../graph/tensor.js";
import type { Graph } from "../graph/types.js";
import { drawValues } from "../nn/initialisers.js";
import { type FeatureInfo, pairFeatures, perSample } from "../objective/features.js";
import type {
  FeatureValues,
  LayerPair,
  ObjectiveConfig,
  ObjectiveScalar,
  ParameterStart,
} from "../objective/objective.js";
import { buildObjective, checkSampleWeights } from "../objective/objective.js";
import type { Blend, LossMemory, LossState, TeacherValues } from "../objective/types.js";
import { createBuilder, opOf } from "../ops/registry.js";
import { reshape } from "../ops/support.js";
import { Random } from "../random/random.js";
import type { BatchInput, BufferSlot, MaskInput, ParameterSlot } from "../runtime/types.js";
import { trainingMode } from "./training-mode.js";
import type { TrainableModel } from "./types.js";

export interface StepOptions {
  /** With normalisation already in front: takes raw samples. */
  readonly model: TrainableModel;
  readonly batch: number;
  readonly sampleShape: readonly number[];
  readonly sampleType: SampleType;
  readonly classes: number;
  readonly objective: ObjectiveConfig;
  /** What the teacher's outputs are; absent: no teacher term. */
  readonly teacherKind?: "logits" | "probabilities";
  /** Several teachers whose losses are averaged: then the teacher's input is [batch, teachers, classes]. */
  readonly teacherMembers?: readonly { readonly kind: "logits" | "probabilities"; readonly weight: number }[];
  /** Whether these weigh differently from sample to sample: then their weights are an input, [batch, teachers]. */
  readonly teachersWeighed?: boolean;
  /** Inner values of the teacher that can be fed, with the shape of one sample. */
  readonly teacherFeatures?: readonly TeacherFeature[];
  /** Whether samples are blends of two (mixup, cutmix): then losses on labels read both. */
  readonly blended?: boolean;
  /** Number of training samples, for losses that remember them. */
  readonly samples?: number;
  /** Where only some rows of a loss's table change, give the whole table all the same: where it stays on a device. */
  readonly wholeTables?: boolean;
  /** Of the start values of the losses' own parameters; default 0. */
  readonly seed?: number;
}

/** An inner value of the teacher, known for every sample. */
export interface TeacherFeature extends FeatureInfo {
  /** Of one sample. */
  readonly shape: readonly number[];
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

/** Names of the batch inputs; a student may use any names but these. */
export const SAMPLES = "step/samples";
export const LABELS = "step/labels";
export const TEACHER = "step/teacher";
/** float32 [batch, teachers]: what each of several teachers counts for each sample. */
export const TEACHER_WEIGHTS = "step/teacher-weights";
/** Of samples blended of two: the other one's label, and the first one's share. */
export const BLEND_LABELS = "step/blend/labels";
export const BLEND_SHARE = "step/blend/share";
/** With the place in `teacherFeatures` behind it. */
export const FEATURE = "step/feature/";
/** int64 [batch]: the batch's samples as numbers among the training samples. */
export const ROWS = "step/rows";
/** int64 [count]: numbers of other training samples; with the name of who draws behind it. */
export const OTHERS = "step/others/";

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

/** What a loss keeps: its value in this step and in the next. */
interface State {
  readonly value: Value;
  readonly start: () => Float32Array;
  next?: Value;
  /** Input with the numbers of the rows that `next` holds; absent: all. */
  readonly rows?: Value;
}

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
  b.output(main.objective.total, "step/loss");
  const terms = main.objective.terms.map((t) => t.name);
  for (const term of main.objective.terms) b.output(term.value, `step/loss/${term.name}`);
  const parameters = trained.map((p, i): ParameterSlot => {
    const gradient = gradients[i];
    if (!gradient) {
      throw new InputError(
        `parameter "${p.name}"`,
        "the loss does not depend on it, so it cannot be trained; freeze it",
      );
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
  buffers.push(...main.states.map((state) => stateSlot(b, state, options.wholeTables ?? false)));
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
    losses: ["step/loss", ...terms.map((t) => `step/loss/${t}`)],
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
    const sum = squares.length > 1 ? b.op("Sum", squares) : (squares[0] as Value);
    b.output(b.op("Sqrt", [sum]), `step/norm/${term.name}`);
  }
  return b.build();
}

function assemble(options: StepOptions, name: string): Assembled {
  const { model, batch } = options;
  const b = createBuilder(name);
  const inputs: BatchInput[] = [{ name: SAMPLES, dtype: options.sampleType, shape: [batch, ...options.sampleShape] }];
  const samples = b.input(SAMPLES, options.sampleType, [batch, ...options.sampleShape]);
  const bindings = new Map<string, Value>([[model.input, samples]]);
  const state = (id: string): Value => {
    const tensor = model.graph.initializers.get(id);
    if (!tensor)
      throw new InputError(`parameter "${id}"`, `the graph "${model.graph.name}" has no initialiser of that name`);
    if (tensor.dtype !== "float32")
      throw new InputError(`parameter "${id}"`, `it is ${tensor.dtype}; only float32 can be trained`);
    const value = b.input(id, "float32", tensor.shape);
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
        return teacherOf(b, options, inputs);
      },
      get labels() {
        return labelsOf(b, options, inputs);
      },
      get blend() {
        return options.blended ? blendOf(b, options, inputs) : undefined;
      },
      scalar: (id: string) => b.input(`step/scalar/${id}`, "float32", []),
      features: (layers) => featuresOf(b, options, values, inputs, layers),
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
  const order = [
    SAMPLES,
    LABELS,
    BLEND_LABELS,
    BLEND_SHARE,
    TEACHER,
    TEACHER_WEIGHTS,
    ...(options.teacherFeatures ?? []).map((_, i) => FEATURE + i),
    ROWS,
    ...inputs.map((i) => i.name).filter((id) => id.startsWith(OTHERS)),
  ];
  inputs.sort((p, q) => order.indexOf(p.name) - order.indexOf(q.name));
  return {
    builder: b,
    parameters,
    updates: mode.updates,
    masks: mode.masks,
    objective: named(objective),
    batch: inputs,
    connectors,
    states,
  };
}

function stateSlot(b: GraphBuilder, { value, next, rows }: State, whole: boolean): BufferSlot {
  const { name, shape } = value;
  if (!next) throw new Error(`state "${name}": the loss does not say what becomes of it`);
  const update = `step/update/${name}`;
  const expected = rows ? [...rows.shape, ...shape.slice(1)] : shape;
  if (next.shape.join() !== expected.join())
    throw new Error(`state "${name}": what becomes of it is [${next.shape}], expected [${expected}]`);
  if (rows && !whole) {
    b.output(next, update);
    return { name, shape, update, rows: rows.name, ofLoss: true };
  }
  const places = rows && b.op("Unsqueeze", [rows, b.constant(int64s([1]))]);
  b.output(places ? b.op("ScatterND", [value, places, next]) : next, update);
  return { name, shape, update, ofLoss: true };
}

/** Numbers of samples are inputs, made on first use; state is fed and fetched as running statistics are. */
function memoryOf(b: GraphBuilder, options: StepOptions, inputs: BatchInput[], states: State[]): LossMemory {
  const { samples, batch, seed = 0 } = options;
  if (samples === undefined) throw new Error("a loss remembers samples, and how many there are was not said");
  if (options.blended)
    throw new InputError(
      "training.augment",
      "mixup and cutmix make samples of two, and a loss of the objective (crd) remembers samples one by one; leave either out",
    );
  const numbers = (name: string, shape: readonly number[]): Value => {
    const existing = b.find(name);
    if (!existing) inputs.push({ name, dtype: "int64", shape });
    return existing ?? b.input(name, "int64", shape);
  };
  const keep = (id: string, shape: readonly number[], start: ParameterStart, rows?: Value): LossState => {
    const value = b.input(`step/state/${id}`, "float32", shape);
    const state: State = { value, start: () => startOf(value, start, seed), ...(rows ? { rows } : {}) };
    states.push(state);
    return {
      value,
      become(next) {
        if (state.next) throw new Error(`state "${value.name}": its next value is said twice`);
        state.next = next;
      },
    };
  };
  const rows = (): Value => numbers(ROWS, [batch]);
  return {
    count: samples,
    get rows() {
      return rows();
    },
    others: (id, count) => numbers(OTHERS + id, [count]),
    state: (id, shape, start) => keep(id, shape, start),
    table: (id, width, start) => keep(id, [samples, width], start, rows()),
  };
}

function startOf({ name, shape }: Value, start: ParameterStart, seed: number): Float32Array {
  if (start.kind !== "values") return drawValues(start, sizeOf(shape), () => new Random(seed, name));
  if (start.values.length !== sizeOf(shape))
    throw new Error(`parameter "${name}" is [${shape}], and ${start.values.length} start values were given`);
  return start.values;
}

/** The student's values by name, and the teacher's as inputs of the step, made on first use. */
function featuresOf(
  b: GraphBuilder,
  options: StepOptions,
  values: ReadonlyMap<string, Value>,
  inputs: BatchInput[],
  layers: readonly LayerPair[],
): FeatureValues[] {
  const { model, batch, teacherFeatures = [] } = options;
  const inside = studentFeatures(model.graph, values);
  return layers.flatMap((layer) =>
    pairFeatures(layer, inside, teacherFeatures).map(([own, given]): FeatureValues => {
      const name = FEATURE + teacherFeatures.indexOf(given);
      const shape = [batch, ...given.shape];
      const existing = b.find(name);
      if (!existing) inputs.push({ name, dtype: "float32", shape });
      return {
        student: reshape(b, own.value, perSample(own.value.shape, batch, own.name)),
        teacher: existing ?? b.input(name, "float32", shape),
        names: { student: own.name, teacher: given.name },
      };
    }),
  );
}

/** Every float output of a node of the student. */
function studentFeatures(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
): (FeatureInfo & { readonly value: Value })[] {
  return graph.nodes.flatMap((node) =>
    node.outputs.flatMap((name, i) => {
      const value = values.get(name);
      return value && isFloat(value.dtype) ? [{ name, node: i === 0 ? node.name : "", value }] : [];
    }),
  );
}

/** Scalars are inputs of the graph under a prefix that no student uses. */
function named(objective: ReturnType<typeof buildObjective>): ReturnType<typeof buildObjective> {
  return { ...objective, scalars: objective.scalars.map((s) => ({ ...s, name: `step/scalar/${s.name}` })) };
}

/** Declared on first use, so that an objective without labels has no labels input. */
function labelsOf(b: GraphBuilder, options: StepOptions, inputs: BatchInput[]): Value {
  const existing = b.find(LABELS);
  if (existing) return existing;
  inputs.push({ name: LABELS, dtype: "int64", shape: [options.batch] });
  return b.input(LABELS, "int64", [options.batch]);
}

function blendOf(b: GraphBuilder, { batch }: StepOptions, inputs: BatchInput[]): Blend {
  const [labels, share] = [b.find(BLEND_LABELS), b.find(BLEND_SHARE)];
  if (labels && share) return { labels, share };
  inputs.push({ name: BLEND_LABELS, dtype: "int64", shape: [batch] });
  inputs.push({ name: BLEND_SHARE, dtype: "float32", shape: [batch, 1] });
  return {
    labels: b.input(BLEND_LABELS, "int64", [batch]),
    share: b.input(BLEND_SHARE, "float32", [batch, 1]),
  };
}

function teacherOf(b: GraphBuilder, options: StepOptions, inputs: BatchInput[]): TeacherValues | undefined {
  const { teacherKind, teacherMembers, batch, classes } = options;
  if (!teacherKind) return undefined;
  const shape = teacherMembers ? [batch, teacherMembers.length, classes] : [batch, classes];
  const existing = b.find(TEACHER);
  if (!existing) inputs.push({ name: TEACHER, dtype: "float32", shape });
  const values = existing ?? b.input(TEACHER, "float32", shape);
  if (!teacherMembers) return { values, kind: teacherKind };
  const weights = options.teachersWeighed ? teacherWeightsOf(b, options, inputs) : null;
  const members = teacherMembers.map((member, k) => ({
    ...member,
    weight: weights
      ? b.op("Gather", [weights, b.constant(int64s([k]))], { axis: { kind: "int", value: 1 } })
      : member.weight,
    values: b.op("Gather", [values, b.constant(scalar(k, "int64"))], { axis: { kind: "int", value: 1 } }),
  }));
  return { ...(members[0] as TeacherValues), members };
}

/** [batch, teachers]. @throws InputError when a loss cannot weigh its samples */
function teacherWeightsOf(
  b: GraphBuilder,
  { teacherMembers = [], batch, objective }: StepOptions,
  inputs: BatchInput[],
): Value {
  checkSampleWeights(objective);
  const existing = b.find(TEACHER_WEIGHTS);
  const shape = [batch, teacherMembers.length];
  if (!existing) inputs.push({ name: TEACHER_WEIGHTS, dtype: "float32", shape });
  return existing ?? b.input(TEACHER_WEIGHTS, "float32", shape);
}

function checkLogits(logits: Value | undefined, options: StepOptions): void {
  const { model, batch, objective } = options;
  const classes = options.classes * (objective.peers ?? 1);
  if (!logits) throw new InputError(`output "${model.output}"`, `the graph "${model.graph.name}" does not define it`);
  if (logits.shape.length !== 2 || logits.shape[0] !== batch || sizeOf(logits.shape) !== batch * classes) {
    throw new InputError(
      `output "${model.output}"`,
      `the student gives [${logits.shape}] for a batch of ${batch}; expected [${batch},${classes}], one logit a class`,
    );
  }
}
