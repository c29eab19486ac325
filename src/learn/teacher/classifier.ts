/** Any ONNX classifier as a teacher, as they are found in the wild: an open session and what is known about its model. */
import { appendTo } from "../../base/extremes.js";
import { spreadOver } from "../data/labels/labels.js";
import { RAW } from "../data/normalise.js";
import type { DataSet } from "../data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { debug, since } from "../../base/debug.js";
import { InputError, RunError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import type { Model } from "../../engine/graph/types.js";
import type { FeatureInfo } from "../../engine/objective/features.js";
import type { Session, SessionValue } from "../../engine/runtime/session-types.js";
import { Answerer, type Asking, kindOf, type Scores } from "./answerer.js";
import type { OpenedFeatures } from "./features.js";
import { checkBytes } from "./feeds.js";
import { checkKnowledge, orderNote } from "./knowledge.js";
import { namedArrays } from "../data/arrays.js";
import { checkRecords } from "../data/port-checks.js";
import { fillPorts } from "../data/ports.js";
import { type FeedPlan, type InputPlan, type PortsPlan, planInputs, portOptions, takesWhole } from "./layout.js";
import { chooseNormalisation, type NamedNormalisation } from "./normalisations.js";
import { checkProbabilities, listed, outputNotes, possibleOutputs, singleNotes } from "./outputs.js";
import type { Teacher } from "./types.js";

export interface ClassifierOptions {
  readonly name?: string;
  readonly input?: string;
  /** Which array of the data each input reads, by the input's name. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** The token id that stands for padding. */
  readonly paddingId?: number;
  readonly output?: string;
  readonly outputs: "auto" | "logits" | "probabilities";
  readonly layout: "auto" | "nchw" | "nhwc";
  readonly resize: "auto" | "none";
  /** Applied to raw samples before the model. */
  readonly normalisation: Normalisation;
  /** The model replaces missing values itself, so it gets them as NaN. */
  readonly takesMissing?: boolean;
  /** Nobody chose the normalisation: a model that takes bytes gets them raw. */
  readonly rawBytes?: boolean;
  /** Nobody chose the normalisation: what a limbeck export says of itself goes before it. */
  readonly freely?: boolean;
  /** Nobody chose the normalisation: what else a model may want, with the words for the usual one; see `chooseNormalisation`. */
  readonly others?: { readonly usual: string; readonly ways: readonly NamedNormalisation[] };
  /** Class names in the order of the model's outputs; absent: the data's order. */
  readonly classes?: readonly string[];
  /** Names the model gives its classes itself, in the order of its outputs; used where `classes` is absent and they are the data's. */
  readonly ownClasses?: readonly string[];
  readonly batch: number;
  readonly allowChance: boolean;
  /** False: labels choose a normalisation, but nothing is said about how much it knows. Default true. */
  readonly judged?: boolean;
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
  const some = spreadOver(probe, PROBE);
  checkTokens(planInputs(path, session.inputs, data, options), path, data, model);
  const started = performance.now();
  const { answerer, scores, raw, tried } = await firstAnswers(session, path, data, some, options);
  const { plan, output, order, normalisation } = answerer.asking;
  debug("teacher")?.(
    `${path}: asked about ${noun(some.length, "sample")} in ${since(started)}, output ${output}, normalisation ${quote(normalisation)}`,
  );
  // Of a softmax over more classes than are kept, all are looked at: what is kept does not sum to 1.
  const seenAs = kindOf(scores);
  const kind = options.outputs === "auto" ? seenAs : options.outputs;
  const answers = answerer.rows(scores, kind);
  if (kind === "probabilities") checkProbabilities(path, scores.width === 1 ? scores.values : answers, some);
  const classes = answers.length / some.length;
  const single = scores.width === 1;
  const notes = [
    ...inputNotes(plan, data, raw),
    ...(answerer.asking.batch < (plan.fixedBatch ?? options.batch) ? ["it accepts only one sample per call"] : []),
    ...(tried ? [tried] : []),
    ...(single
      ? singleNotes(
          kind,
          options.outputs,
          options.classes ?? (data.classes.length > 0 ? data.classes : (given.ownClasses ?? [])),
        )
      : outputNotes(kind, options.outputs, answers, seenAs)),
  ];
  const judge = options.judged === false ? orderNote : checkKnowledge;
  const seen = judge(path, answers, data, some, classes, options);
  if (seen) notes.push(seen);
  const { features = [] } = options.inner ?? {};
  const reading = { plan, output, normalisation, order, ...(kind === "probabilities" ? { kind } : {}) };
  return {
    ...identity,
    name: options.name ?? identity.name,
    preprocessing: digest(JSON.stringify(single ? { ...reading, single } : reading)),
    kind,
    classes,
    batch: answerer.asking.batch,
    notes,
    answer: async (d, indices, signal) => (await answerer.answer(d, indices, kind, [], signal)).answers,
    ...(features.length > 0 ? await featureAnswers(answerer, data, some.slice(0, 2), kind, features) : {}),
    // A student gives a logit for each class: one value for two of them is no end for it.
    ...(single ? {} : { classifier: () => ({ model: model(), where: path, output, kind, order }) }),
    dispose: () => session.dispose(),
  };
}

/** Whole numbers may be ids of tokens: every record is looked at. @throws InputError naming the first that does not fit */
function checkTokens(plan: FeedPlan, path: string, data: DataSet, model: ClassifierIdentity["model"]): void {
  if (plan.layout === "ports") {
    const { data: filled, reads } = fillPorts(data, plan.ports, portOptions(path, plan));
    checkRecords({ graph: model().graph, path, ports: plan.ports, arrays: namedArrays(filled, reads) }, data);
  } else if (plan.layout === "flat" && (plan.dtype === "int64" || plan.dtype === "int32"))
    checkRecords({ graph: model().graph, path, ports: [plan], arrays: namedArrays(data) }, data);
}

interface FirstAnswers {
  readonly answerer: Answerer;
  readonly scores: Scores;
  /** Whether samples go in as they are because the model takes whole numbers. */
  readonly raw: boolean;
  /** What was found out about its normalisation; "" where nothing was. */
  readonly tried: string;
}

/** Finds out how to feed the model and which output to read, and asks it about some samples. */
async function firstAnswers(
  session: Session,
  path: string,
  data: DataSet,
  some: Uint32Array,
  options: ClassifierOptions,
): Promise<FirstAnswers> {
  const plan = planInputs(path, session.inputs, data, options);
  const expected = (options.classes?.length ?? data.classes.length) || undefined;
  const { outputs: names = session.outputs.map((o) => o.name) } = options.inner ?? {};
  const values = session.outputs.filter((o) => names.includes(o.name));
  const possible = possibleOutputs(path, values, options.output, expected ?? 0);
  const order = classOrder(path, options.classes, data);
  const raw = takesWhole(plan) && options.rawBytes === true;
  const normalisation = raw ? RAW : options.normalisation;
  if (isOneInput(plan) && plan.dtype === "uint8") checkBytes(path, data, some, normalisation);
  const batch = plan.fixedBatch ?? options.batch;
  const { takesMissing } = options;
  const asked = { path, session, plan, batch, normalisation, takesMissing, order, expected };
  const asking = { ...asked, output: possible[0]?.name ?? "" };
  const output = await pickOutput(new Answerer(asking), possible, data, some);
  const first = await scoresInCalls({ ...asking, output }, data, some);
  const { others } = options;
  const usual = { words: raw ? "" : (others?.usual ?? ""), normalisation };
  const ways = raw ? [] : (others?.ways ?? []);
  const chosen = await chooseNormalisation(first.answerer, data, some, first.scores, usual, ways, options.outputs);
  const answerer = first.answerer.with({ normalisation: chosen.normalisation });
  const scores = chosen.normalisation === normalisation ? first.scores : await answerer.scores(data, some);
  checkFinite(path, scores.values, some);
  return { answerer, scores, raw, tried: chosen.note };
}

/** Exporters write a batch of one into a model in ways its input does not show: what fails for many is tried one by one. */
async function scoresInCalls(
  asking: Asking,
  data: DataSet,
  some: Uint32Array,
): Promise<{ readonly answerer: Answerer; readonly scores: Scores }> {
  const answerer = new Answerer(asking);
  try {
    return { answerer, scores: await answerer.scores(data, some) };
  } catch (error) {
    if (asking.batch === 1 || asking.plan.fixedBatch) throw error;
    const single = answerer.with({ batch: 1 });
    const scores = await single.scores(data, some).catch(() => {
      throw error;
    });
    return { answerer: single, scores };
  }
}

/** Of several outputs the only one that gives a value for each class, or one value where there are two classes. */
async function pickOutput(
  answerer: Answerer,
  possible: readonly SessionValue[],
  data: DataSet,
  some: Uint32Array,
): Promise<string> {
  const [first] = possible;
  if (first && possible.length === 1) return first.name;
  const { path, expected } = answerer.asking;
  const widths = await answerer.widths(
    data,
    some.slice(0, 2),
    possible.map((o) => o.name),
  );
  const wide = (fits: (width: number) => boolean): readonly SessionValue[] =>
    possible.filter((_, i) => widths[i] !== null && fits(widths[i] as number));
  const rows = wide((width) => (expected === undefined ? width > 1 : width === expected));
  const found = rows.length > 0 || (expected ?? 2) !== 2 ? rows : wide((width) => width === 1);
  if (found[0] && found.length === 1) return found[0].name;
  const of = possible.map((o, i) => `"${o.name}" with ${widths[i] ?? "no"} values a sample`).join(", ");
  throw new InputError({
    code: "model-output",
    where: path,
    found: `it has ${possible.length} float outputs (${of})`,
    expected: expected === undefined ? "one with a score for each class" : `one with ${expected} values a sample`,
    cure: "Name the output that holds the scores with teacher.output",
  });
}

/** What a teacher needs to give inner values: their shapes are seen from a few samples. */
async function featureAnswers(
  answerer: Answerer,
  data: DataSet,
  some: Uint32Array,
  kind: Teacher["kind"],
  features: readonly FeatureInfo[],
): Promise<Pick<Teacher, "features" | "answerWithFeatures">> {
  const { shapes } = await answerer.answer(data, some, kind, features);
  return {
    features: features.map((f, i) => ({ ...f, shape: shapes[i] as readonly number[] })),
    answerWithFeatures: (d, indices, signal) => answerer.answer(d, indices, kind, features, signal),
  };
}

function inputNotes(plan: FeedPlan, data: DataSet, raw: boolean): string[] {
  const notes: string[] = [];
  if (plan.layout === "nhwc") notes.push("it expects images as [N,H,W,C]");
  if (plan.layout === "columns") notes.push(columnsNote(plan.columns, data.features ?? []));
  else if (plan.layout === "ports") appendTo(notes, portsNotes(plan, data));
  else if (plan.resize)
    notes.push(`images are resized from ${data.sampleShape.slice(1).join("x")} to ${plan.resize.join("x")}`);
  if (plan.fixedBatch) notes.push(`its batch size is fixed at ${plan.fixedBatch}`);
  if (raw)
    notes.push(
      `it expects ${isOneInput(plan) && plan.dtype === "uint8" ? "bytes" : "whole numbers"}, which are passed unchanged`,
    );
  return notes;
}

const isOneInput = (plan: FeedPlan): plan is InputPlan => plan.layout !== "columns" && plan.layout !== "ports";

/** Which array each input reads, and which arrays were made. */
function portsNotes(plan: PortsPlan, data: DataSet): string[] {
  const { reads, notes } = fillPorts(data, plan.ports, portOptions("the teacher", plan));
  const named = plan.ports.map(({ name }, i) => (reads[i] === name ? name : `${name} (from ${reads[i]})`));
  return [`it has ${plan.ports.length} inputs: ${named.join(", ")}`, ...notes];
}

function columnsNote(columns: readonly { readonly feature: number }[], features: readonly string[]): string {
  const unused = features.filter((_, i) => !columns.some((c) => c.feature === i));
  const rest = unused.length > 0 ? `; it does not use ${listed(unused.slice(0, 8).map((name) => ({ name })))}` : "";
  return `it has one input per column; limbeck feeds ${columns.length} of ${features.length} columns by name${rest}`;
}

/** Names the model gives its classes itself, where they are the data's. */
function ownClasses(names: readonly string[] | undefined, data: DataSet): readonly string[] | undefined {
  const own = new Set(names);
  return names && data.classes.length > 0 && data.classes.every((c) => own.has(c)) ? names : undefined;
}

function checkFinite(path: string, answers: Float32Array, some: Uint32Array): void {
  const bad = answers.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const sample = some[Math.floor((bad * some.length) / answers.length)];
  throw new RunError({
    code: "not-finite",
    where: path,
    found: `it answers ${answers[bad]} for sample ${sample}`,
    expected: "finite numbers",
    cure: "Check teacher.output, teacher.normalise and teacher.layout",
  });
}

function classOrder(path: string, classes: readonly string[] | undefined, data: DataSet): number[] | null {
  if (!classes || data.classes.length === 0) return null;
  const places = new Map(classes.map((name, c) => [name, c]));
  const missing = data.classes.filter((name) => !places.has(name));
  if (missing.length > 0)
    throw new InputError({
      code: "class-unknown",
      where: "teacher.classes",
      found: `the data's ${missing.length === 1 ? "class" : "classes"} ${listed(missing.slice(0, 8).map((name) => ({ name })))} ${missing.length === 1 ? "is" : "are"} not among the classes of ${path}`,
      expected: "a name for each class, spelt as in the data",
      cure: "Name the class of each of the model's outputs, in their order",
    });
  const order = data.classes.map((name) => places.get(name) as number);
  return order.every((o, i) => o === i) && classes.length === data.classes.length ? null : order;
}
