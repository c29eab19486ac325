/** Any ONNX classifier as a teacher, as they are found in the wild: an open session and what is known about its model. */
import { isIdentity } from "../compile/normalise.js";
import { normaliseSamples, RAW } from "../data/normalise.js";
import { fillBatch } from "../data/read.js";
import { allocateSamples, wholeSamples } from "../data/samples.js";
import type { DataSet, Normalisation, SampleArray } from "../data/types.js";
import { InputError, RunError } from "../errors.js";
import { fromHalf, toHalf } from "../graph/half.js";
import { isFloat, sizeOf, tensor } from "../graph/tensor.js";
import type { Model, Tensor } from "../graph/types.js";
import { noun } from "../noun.js";
import { type FeatureInfo, perSample } from "../objective/features.js";
import type { Session, SessionValue } from "../runtime/session-types.js";
import type { OpenedFeatures } from "./features.js";
import { checkKnowledge } from "./knowledge.js";
import { channelsLast, type InputPlan, planInput, resizePlanes } from "./layout.js";
import { checkProbabilities, conditional, detectKind, outputNotes } from "./outputs.js";
import type { FullAnswers, Teacher } from "./types.js";

export interface ClassifierOptions {
  readonly name?: string;
  readonly input?: string;
  readonly output?: string;
  readonly outputs: "auto" | "logits" | "probabilities";
  readonly layout: "auto" | "nchw" | "nhwc";
  readonly resize: "auto" | "none";
  /** Applied to raw samples before the model. */
  readonly normalisation: Normalisation;
  /** Nobody chose the normalisation: a model that takes bytes gets them raw. */
  readonly rawBytes?: boolean;
  /** Nobody chose the normalisation: what a limbeck export says of itself goes before it. */
  readonly freely?: boolean;
  /** Class names in the order of the model's outputs; absent: the data's order. */
  readonly classes?: readonly string[];
  /** Names the model gives its classes itself, in the order of its outputs; used where `classes` is absent and they are the data's. */
  readonly ownClasses?: readonly string[];
  readonly batch: number;
  readonly allowChance: boolean;
  /** Inner values that the session gives as outputs. */
  readonly inner?: Pick<OpenedFeatures, "features" | "outputs">;
}

/** What a classifier is known by. */
export interface ClassifierIdentity extends Pick<Teacher, "name" | "hash" | "parameters" | "bytes"> {
  /** The model itself, as it was found. */
  model(): Model;
  /** Turns the description of the preprocessing into what `Teacher.preprocessing` holds. */
  digest(text: string): string;
}

/** Samples looked at to find out what the outputs are and whether the teacher knows the task. */
const PROBE = 500;

/**
 * Makes a teacher of an open session, which it takes over when all fits: finds out how to ask it, asks it about the probe,
 * and looks at the answers.
 * @param path the model's file or name, for messages
 * @param probe samples to look at (training samples; labels are used where there are any)
 * @throws InputError when the model does not fit the data, or is near chance on labelled samples
 */
export async function classifierTeacher(
  session: Session,
  path: string,
  data: DataSet,
  probe: Uint32Array,
  given: ClassifierOptions,
  { digest, model, ...identity }: ClassifierIdentity,
): Promise<Teacher> {
  const options = { ...given, classes: given.classes ?? ownClasses(given.ownClasses, data) };
  const input = pickInput(path, session.inputs, options.input);
  const plan = planInput(path, input, data.sampleShape, options);
  const expected = (options.classes?.length ?? data.classes.length) || undefined;
  const { features = [], outputs = session.outputs.map((o) => o.name) } = options.inner ?? {};
  const own = session.outputs.filter((o) => outputs.includes(o.name));
  const output = pickOutput(path, own, options.output, expected ?? 0);
  const order = classOrder(path, options.classes, data);
  const some = probe.slice(0, PROBE);
  const raw = !isFloat(plan.dtype) && options.rawBytes === true;
  const normalisation = raw ? RAW : options.normalisation;
  if (plan.dtype === "uint8") checkBytes(path, data, some, normalisation);
  const asking = { ...options, normalisation };
  const { answerer: found, answers } = await firstAnswers(
    (batch) => new Answerer(path, session, plan, output, { ...asking, batch }, order, expected),
    plan.fixedBatch ?? options.batch,
    data,
    some,
  );
  checkFinite(path, answers, some);
  const classes = answers.length / some.length;
  // Of a softmax over more classes than are kept, what is kept no longer sums to 1.
  const seenAs = await found.kindSeen(data, some, answers);
  const kind = options.outputs === "auto" ? seenAs : options.outputs;
  if (kind === "probabilities") checkProbabilities(path, answers, some);
  const answerer = found.of(kind);
  const notes = [
    ...inputNotes(plan, data, raw),
    ...(answerer.options.batch < (plan.fixedBatch ?? options.batch) ? ["it takes one sample a call"] : []),
    ...outputNotes(kind, options.outputs, answers, seenAs),
  ];
  const seen = checkKnowledge(path, answers, data, some, classes, options);
  if (seen) notes.push(seen);
  return {
    ...identity,
    name: options.name ?? identity.name,
    preprocessing: digest(
      JSON.stringify({ plan, output, normalisation, order, ...(kind === "probabilities" ? { kind } : {}) }),
    ),
    kind,
    classes,
    batch: answerer.options.batch,
    notes,
    answer: (d, indices) => answerer.answer(d, indices),
    ...(features.length > 0 ? await featureAnswers(answerer, data, some.slice(0, 2), features) : {}),
    classifier: () => ({ model: model(), where: path, output, kind, order }),
    dispose: () => session.dispose(),
  };
}

/** What a teacher needs to give inner values: their shapes are seen from a few samples. */
async function featureAnswers(
  answerer: Answerer,
  data: DataSet,
  some: Uint32Array,
  features: readonly FeatureInfo[],
): Promise<Pick<Teacher, "features" | "answerWithFeatures">> {
  const { shapes } = await answerer.answerAll(data, some, features);
  return {
    features: features.map((f, i) => ({ ...f, shape: shapes[i] as readonly number[] })),
    answerWithFeatures: (d, indices) => answerer.answerAll(d, indices, features),
  };
}

/** Exporters write a batch of one into a model in ways its input does not show: what fails for many is tried one by one. */
async function firstAnswers(
  make: (batch: number) => Answerer,
  batch: number,
  data: DataSet,
  some: Uint32Array,
): Promise<{ answerer: Answerer; answers: Float32Array }> {
  const answerer = make(batch);
  try {
    return { answerer, answers: await answerer.answer(data, some) };
  } catch (error) {
    if (batch === 1 || answerer.plan.fixedBatch) throw error;
    const single = make(1);
    const answers = await single.answer(data, some).catch(() => {
      throw error;
    });
    return { answerer: single, answers };
  }
}

function inputNotes(plan: InputPlan, data: DataSet, raw: boolean): string[] {
  const notes: string[] = [];
  if (plan.layout === "nhwc") notes.push("takes images as [N,H,W,C]");
  if (plan.resize)
    notes.push(`images are resized from ${data.sampleShape.slice(1).join("x")} to ${plan.resize.join("x")}`);
  if (plan.fixedBatch) notes.push(`its batch is fixed at ${plan.fixedBatch}`);
  if (raw) notes.push(`takes ${plan.dtype === "uint8" ? "bytes" : "whole numbers"}, which it gets as they are`);
  return notes;
}

/** Names the model gives its classes itself, where they are the data's. */
function ownClasses(names: readonly string[] | undefined, data: DataSet): readonly string[] | undefined {
  return names && data.classes.length > 0 && data.classes.every((c) => names.includes(c)) ? names : undefined;
}

/** Rounding to bytes must not destroy the samples. */
function checkBytes(path: string, data: DataSet, some: Uint32Array, normalisation: Normalisation): void {
  const raw = allocateSamples(data.samples, some.length * sizeOf(data.sampleShape));
  fillBatch(data, some, raw);
  const values = normaliseSamples(raw, normalisation, data.sampleShape);
  const [least, most] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const lost = most <= 1 && values.some((v) => v !== Math.round(v));
  if (least > -0.5 && most < 255.5 && !lost) return;
  throw new InputError(
    "teacher.normalise",
    `${path} takes bytes, but after normalisation the samples lie between ${least.toPrecision(3)} and ${most.toPrecision(3)}; as bytes they would be lost. Use none for raw bytes, or numbers that lead to 0 ... 255`,
  );
}

function checkFinite(path: string, answers: Float32Array, some: Uint32Array): void {
  const bad = answers.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const sample = some[Math.floor((bad * some.length) / answers.length)];
  throw new RunError(
    `${path}: it answers ${answers[bad]} for sample ${sample}; check which output is read, the normalisation and the layout of its input`,
  );
}

class Answerer {
  constructor(
    readonly path: string,
    readonly session: Session,
    readonly plan: InputPlan,
    readonly output: string,
    readonly options: ClassifierOptions,
    /** order[c]: the model's output that is class c of the data; null when they agree. */
    readonly order: readonly number[] | null,
    readonly expected: number | undefined,
  ) {}

  /** The same, known to answer in this way. */
  of(outputs: Teacher["kind"]): Answerer {
    const { path, session, plan, output, options, order, expected } = this;
    return new Answerer(path, session, plan, output, { ...options, outputs }, order, expected);
  }

  /** What all outputs of the model look like, those included that are no class of the data. */
  async kindSeen(data: DataSet, indices: Uint32Array, answers: Float32Array): Promise<Teacher["kind"]> {
    const { path, session, plan, output, options, order, expected } = this;
    const kept = answers.length / indices.length;
    if (order === null || expected === undefined || expected === kept) return detectKind(answers, kept);
    const whole = new Answerer(path, session, plan, output, options, null, expected);
    return detectKind(await whole.answer(data, indices), expected);
  }

  async answer(data: DataSet, indices: Uint32Array): Promise<Float32Array> {
    return (await this.answerAll(data, indices, [])).answers;
  }

  /** Answers, inner values [indices.length, ...shape] and the shapes of one sample. */
  async answerAll(
    data: DataSet,
    indices: Uint32Array,
    features: readonly FeatureInfo[],
  ): Promise<FullAnswers & { readonly shapes: readonly (readonly number[])[] }> {
    const batch = this.plan.fixedBatch ?? this.options.batch;
    const parts: Float32Array[][] = [];
    let shapes: readonly (readonly number[])[] = [];
    for (let from = 0; from < indices.length; from += batch) {
      const called = await this.#call(data, indices.subarray(from, from + batch), batch, features);
      parts.push([called.answers, ...called.features.map((f) => f.values)]);
      shapes = called.features.map((f) => f.shape);
    }
    const [answers, ...values] = Array.from({ length: features.length + 1 }, (_, k) =>
      joined(parts.map((p) => p[k] as Float32Array)),
    );
    return { answers: answers as Float32Array, features: values, shapes };
  }

  async #call(
    data: DataSet,
    indices: Uint32Array,
    batch: number,
    features: readonly FeatureInfo[],
  ): Promise<{ answers: Float32Array; features: readonly { values: Float32Array; shape: readonly number[] }[] }> {
    const { plan } = this;
    // A model with a fixed batch gets the last samples filled up with copies of the first; their answers are dropped.
    const count = plan.fixedBatch ? batch : indices.length;
    const padded = Uint32Array.from({ length: count }, (_, i) => indices[i] ?? (indices[0] as number));
    const feeds = { [plan.name]: toFeed(data, padded, plan, this.options.normalisation) };
    const wanted = [...new Set([this.output, ...features.map((f) => f.name)])];
    const results = await this.session.run(feeds, wanted);
    return {
      answers: this.#rows(results[this.output] as Tensor, count, indices.length),
      features: features.map(({ name }) => {
        const result = results[name] as Tensor;
        const [, ...shape] = perSample(result.shape, count, name);
        return { values: floats(result).slice(0, indices.length * sizeOf(shape)), shape };
      }),
    };
  }

  #rows(result: Tensor, count: number, rows: number): Float32Array {
    const values = floats(result);
    const width = values.length / count;
    // Of a single sample some models give [classes], without the batch.
    if (
      (result.shape[0] !== count && count > 1) ||
      !Number.isInteger(width) ||
      (this.expected !== undefined && width !== this.expected)
    ) {
      throw new InputError(
        this.path,
        `its output "${this.output}" is [${result.shape}] for ${noun(count, "sample")}; expected one row a sample with ${this.expected ?? "the"} classes. Give teacher.output, or teacher.classes with the name of each of its classes in order`,
      );
    }
    return this.#reorder(values, width, rows);
  }

  #reorder(values: Float32Array, width: number, rows: number): Float32Array {
    if (!this.order) return values.slice(0, rows * width);
    const classes = this.order.length;
    const out = new Float32Array(rows * classes);
    for (let i = 0; i < rows; i++)
      for (let c = 0; c < classes; c++) out[i * classes + c] = values[i * width + (this.order[c] as number)] as number;
    if (this.options.outputs === "probabilities" && classes < width) conditional(out, classes);
    return out;
  }
}

const floats = ({ dtype, data }: Tensor): Float32Array =>
  dtype === "float16" ? fromHalf(data as Uint16Array) : Float32Array.from(data as ArrayLike<number>);

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((s, p) => s + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function toFeed(data: DataSet, indices: Uint32Array, plan: InputPlan, normalisation: Normalisation): Tensor {
  const size = sizeOf(data.sampleShape);
  const raw = allocateSamples(data.samples, indices.length * size);
  fillBatch(data, indices, raw);
  if (plan.dtype === "int32" || plan.dtype === "int64")
    return wholeFeed(data, raw, plan.dtype, [indices.length, ...plan.shape], normalisation);
  let values = normaliseSamples(raw, normalisation, data.sampleShape);
  const [channels = 1, height = 1, width = 1] = data.sampleShape;
  if (plan.resize) values = resizePlanes(values, indices.length, [channels, height, width], plan.resize);
  if (plan.layout === "nhwc")
    values = channelsLast(values, indices.length, channels, values.length / indices.length / channels);
  const shape = [indices.length, ...plan.shape];
  if (plan.dtype === "uint8")
    return { dtype: "uint8", shape, data: Uint8Array.from(values, (v) => Math.max(0, Math.min(255, Math.round(v)))) };
  if (plan.dtype === "float16") return { dtype: "float16", shape, data: toHalf(values) };
  if (plan.dtype === "float64") return { dtype: "float64", shape, data: Float64Array.from(values) };
  return { dtype: "float32", shape, data: values };
}

/** Token ids and the like go as they are. */
function wholeFeed(
  data: DataSet,
  raw: SampleArray,
  dtype: "int32" | "int64",
  shape: readonly number[],
  normalisation: Normalisation,
): Tensor {
  const values = isIdentity(normalisation) ? wholeSamples(raw) : null;
  if (!values)
    throw new InputError(
      data.name,
      `the model takes whole numbers (${dtype}), such as token ids; give samples of whole numbers and set normalise to none`,
    );
  return tensor(dtype, values, shape);
}

function named(
  path: string,
  what: "input" | "output",
  values: readonly SessionValue[],
  wanted: string | undefined,
): SessionValue {
  const names = listed(values);
  if (wanted !== undefined) {
    const found = values.find((v) => v.name === wanted);
    if (!found) throw new InputError(`teacher.${what}`, `${path} has no ${what} "${wanted}"; it has ${names}`);
    return found;
  }
  if (values.length !== 1)
    throw new InputError(path, `it has ${values.length} ${what}s (${names}); say which with teacher.${what}`);
  return values[0] as SessionValue;
}

const listed = (values: readonly SessionValue[]): string => values.map((v) => `"${v.name}"`).join(", ");

/** The one input: a model that needs more than the samples cannot be asked. */
function pickInput(path: string, values: readonly SessionValue[], wanted: string | undefined): SessionValue {
  if (values.length <= 1 || (wanted !== undefined && !values.some((v) => v.name === wanted)))
    return named(path, "input", values, wanted);
  throw new InputError(
    path,
    `it has ${noun(values.length, "input")} (${listed(values)}), and limbeck feeds one, the samples. Make the others constants (initialisers) of the model`,
  );
}

/** The output named, or the only float output whose last dimension can be the classes. */
function pickOutput(
  path: string,
  values: readonly SessionValue[],
  wanted: string | undefined,
  classes: number,
): string {
  const fitting = values.filter(
    (v) => isFloat(v.dtype) && v.shape.length === 2 && (typeof v.shape[1] !== "number" || v.shape[1] === classes),
  );
  const found = named(path, "output", wanted === undefined && fitting.length === 1 ? fitting : values, wanted);
  if (!isFloat(found.dtype))
    throw new InputError(
      path,
      `its output "${found.name}" holds ${found.dtype}; expected float scores, one a class. Class numbers alone teach nothing beyond labels, and quantised scores have an unknown scale: take the output before them`,
    );
  return found.name;
}

function classOrder(path: string, classes: readonly string[] | undefined, data: DataSet): number[] | null {
  if (!classes || data.classes.length === 0) return null;
  const missing = data.classes.filter((c) => !classes.includes(c));
  if (missing.length > 0)
    throw new InputError(
      "teacher.classes",
      `${path} does not know the class(es) ${missing.map((c) => `"${c}"`).join(", ")} of the data; names must match exactly`,
    );
  const order = data.classes.map((c) => classes.indexOf(c));
  return order.every((o, i) => o === i) && classes.length === data.classes.length ? null : order;
}
