/** Re-exports a model of a run in another form; the implementation of `limbeck export`. */

import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { marked } from "../../engine/compile/mark.js";
import { NORMALISE, withNormalisation, withoutNormalisation } from "../../engine/compile/normalise.js";
import { RAW } from "../../learn/data/normalise.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { InputError, RunError } from "../../base/errors.js";
import { int } from "../../engine/graph/attributes.js";
import { loadModelFile } from "../../node/model-file.js";
import { toHalf } from "../../engine/graph/half.js";
import { irVersionFor, lowestOpset } from "../../engine/graph/opsets.js";
import { isFloat, sizeOf, tensor } from "../../engine/graph/tensor.js";
import type { Graph, Model, Node, Tensor } from "../../engine/graph/types.js";
import { verifyGraph } from "../../engine/graph/verify.js";
import { writeModel } from "../../engine/graph/write.js";
import { quote } from "../../base/quote.js";
import { Random } from "../../engine/random/random.js";
import { loadData } from "../../run/recipe/data.js";
import { runOnce } from "../../node/session.js";
import { expectedNormalisation, hasNormalisation, NORMALISATION_KEY } from "../../run/teaching/open-model.js";
import { refuseOverwrite, writeOutput } from "../../run/folder/output.js";
import { openRun } from "../../run/folder/runs.js";
import { writeSnippets } from "../../run/folder/snippets.js";
import { listTrainings, readTraining, type Training, teacherOf, trainingOf } from "../../run/folder/trainings.js";

export interface ExportRunOptions {
  /** Which model of a run; default "student" (the one that the run selected). */
  readonly role?: "student" | "baseline" | "teacher";
  /** Variant of the recipe; default: the recipe itself. */
  readonly variant?: string;
  /** Seed of the model; default: the seed with the best validation score. */
  readonly seed?: number;
  /** Export without the normalisation, so that the caller normalises. Default: the model contains it. */
  readonly raw?: boolean;
  /** Store weight matrices as float16: about half the file size; computation stays in float32. */
  readonly half?: boolean;
  /** File to write; default export/<name>.onnx in the run's folder. Never overwritten. */
  readonly out?: string;
}

export interface ExportRunResult {
  readonly model: string;
  readonly source: string;
  readonly bytes: number;
  /** Whether the model contains the normalisation. */
  readonly normalised: boolean;
  /** Largest difference of an output from the source's, for the same 16 samples of noise in the range the model expects. */
  readonly difference: number;
  /** Largest absolute output of the source on them: what to hold the difference against. */
  readonly largest: number;
  /** The snippets written beside it. */
  readonly snippets: readonly string[];
}

/**
 * Writes a model of a run (or of one training) as plain ONNX and compares its answers with the original's.
 * @param directory folder of a finished run, or of a training in its trainings/
 * @throws InputError if the model does not exist or the file exists; RunError if the new model's answers differ
 */
export async function exportRun(directory: string, options: ExportRunOptions = {}): Promise<ExportRunResult> {
  const training = readTraining(directory);
  const run = training ? dirname(dirname(resolve(directory))) : directory;
  const { file: source, name } = training ? named(training) : choose(directory, options);
  const { raw = false, half = false } = options;
  const stem = [name, raw ? "raw" : "", half ? "half" : ""].filter(Boolean).join("-");
  const out = options.out ?? join(run, "export", `${stem}.onnx`);
  refuseOverwrite(out);
  const { model } = loadModelFile(source);
  const input = model.graph.inputs[0];
  if (!input)
    throw new InputError({
      code: "model-input",
      where: source,
      found: "it has no input",
      expected: "one input",
    });
  const normalisation = await normalisationOf(model, run);
  let graph = model.graph;
  if (raw) graph = withoutNormalisation(graph);
  else if (!hasNormalisation(model)) graph = withNormalisation(graph, input.name, normalisation);
  if (half) graph = withHalfWeights(graph, source);
  const exported = finish(model, graph, raw ? normalisation : null);
  const compared = await compare(model, exported, normalisation, { raw, half });
  const bytes = writeModel(exported);
  await writeOutput(out, bytes);
  const snippets = await writeSnippets(dirname(out), basename(out), sampleShapeOf(model), {
    prefix: `${basename(out, ".onnx")}-`,
    normalisation: raw ? normalisation : null,
    dtype: input.dtype,
  });
  return { model: out, source, bytes: bytes.length, normalised: !raw, ...compared, snippets };
}

interface Chosen {
  readonly file: string;
  /** Of the file to write, without ending. */
  readonly name: string;
}

/** The model a run chose, or the training with this role, variant and seed. */
function choose(directory: string, options: ExportRunOptions): Chosen {
  const { variant = "", seed } = options;
  const run = openRun(directory);
  const single = basename(run.model) === "model.onnx";
  const role = options.role ?? (single ? undefined : "student");
  const delivered = variant ? join(directory, `student-${fileName(variant)}.onnx`) : run.model;
  if (seed === undefined && (role === "student" || single) && existsSync(delivered))
    return { file: delivered, name: basename(delivered, ".onnx") };
  const all = listTrainings(directory);
  const find = (wanted: string | undefined): Training[] =>
    all.filter(
      (t) =>
        (wanted === undefined || t.role === wanted) &&
        (seed === undefined || t.seed === seed) &&
        t.names.some((name) => variantOf(name) === variant),
    );
  // Teachers are named by seed alone: the one meant taught the student that is meant.
  const student = existsSync(delivered) && seed === undefined ? trainingOf(directory, delivered) : find("student")[0];
  const taught = role === "teacher" && !single && student ? teacherOf(directory, student) : null;
  const fitting = taught ? [taught] : find(role);
  if (fitting.length === 1) return named(fitting[0] as Training, variant);
  const what = `${role ?? "model"}${variant ? ` of the variant "${variant}"` : ""}${seed === undefined ? "" : ` with seed ${seed}`}`;
  const known = [...new Set(all.flatMap((t) => t.names))].join("; ");
  if (fitting.length > 1)
    throw new InputError({
      code: "option-missing",
      where: directory,
      found: `${fitting.length} trainings are a ${what}`,
      expected: "one of them",
      cure: `Choose one with --seed, or give a folder in ${join(directory, "trainings")}`,
    });
  throw new InputError({
    code: "run-missing",
    where: directory,
    found: `this run has no ${what}`,
    expected: known ? `one of: ${known}` : "a finished training; it has none",
  });
}

function named({ file, role, seed, names }: Training, variant = variantOf(names[0] ?? "")): Chosen {
  return { file, name: [role, variant ? fileName(variant) : "", `seed${seed}`].filter(Boolean).join("-") };
}

const fileName = (text: string): string => text.replace(/[^\w.-]+/g, "-");

/** "every-label: student, seed 0" -> "every-label". */
function variantOf(name: string): string {
  const end = name.lastIndexOf(": ");
  return end < 0 ? "" : name.slice(0, end);
}

/** Inside, in a raw export's metadata, or what the run's data gives. */
async function normalisationOf(model: Model, run: string): Promise<Normalisation> {
  const own = insideOf(model) ?? expectedNormalisation(model);
  if (own) return own;
  const { plan, folder } = openRun(run);
  // Nothing in front of a model that was not exported raw: its data needs no normalisation.
  return plan.export.raw ? (await loadData(plan.data, { folder })).normalisation : RAW;
}

/** Reads the factor and offset in front of the graph back as (x * scale - mean) / std. */
function insideOf(model: Model): Normalisation | null {
  if (!hasNormalisation(model)) return null;
  const values = (name: string): number[] =>
    Array.from((model.graph.initializers.get(`${NORMALISE}${name}`)?.data ?? []) as Float32Array, shortest);
  const [factor, offset, filled] = [values("factor"), values("offset"), values("missing")];
  const missing = filled.length > 0 ? { missing: filled } : {};
  if (factor.length === 0) return { ...RAW, ...missing };
  if (offset.length === 0 && factor.length === 1) return { ...RAW, scale: factor[0] as number, ...missing };
  const mean = factor.map((f, i) => -(offset[i] ?? offset[0] ?? 0) / f);
  return { scale: 1, mean, std: factor.map((f) => 1 / f), ...missing };
}

/** The shortest decimal number that is this float32. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}

/** Weight matrices and filters as float16 behind a Cast that the runtime folds when it loads the model. */
function withHalfWeights(graph: Graph, where: string): Graph {
  const initializers = new Map<string, Tensor>();
  const casts: Node[] = [];
  for (const [name, t] of graph.initializers) {
    if (t.dtype !== "float32" || t.shape.length < 2 || name.startsWith(NORMALISE)) {
      initializers.set(name, t);
      continue;
    }
    const data = toHalf(t.data as Float32Array);
    if (data.some((bits) => (bits & 0x7c00) === 0x7c00))
      throw new InputError({
        code: "not-finite",
        where: where,
        found: `its weights ${quote(name)} go beyond 65504`,
        expected: "numbers that float16 holds",
        cure: "Export it without --half",
      });
    initializers.set(`${name}_half`, { dtype: "float16", shape: t.shape, data });
    const to = { to: int(1) };
    casts.push({
      name: `half/${name}`,
      op: "Cast",
      domain: "",
      inputs: [`${name}_half`],
      outputs: [name],
      attributes: to,
    });
  }
  return { ...graph, initializers, nodes: [...casts, ...graph.nodes] };
}

function finish(model: Model, graph: Graph, expected: Normalisation | null): Model {
  verifyGraph(graph);
  const opset = lowestOpset(graph);
  const { [NORMALISATION_KEY]: _, ...metadata } = model.metadata;
  return {
    ...model,
    graph,
    opsets: { ...model.opsets, "": opset },
    irVersion: irVersionFor(opset),
    metadata: marked(
      expected ? { ...metadata, [NORMALISATION_KEY]: JSON.stringify(expected) } : metadata,
      expected === null,
    ),
  };
}

const PROBES = 16;

function sampleShapeOf(model: Model): number[] {
  return (model.graph.inputs[0]?.shape ?? []).slice(1).map((d) => (typeof d === "number" ? d : 1));
}

/** Feeds the same noise to both, each in its own form, and compares. Models of token ids get zeros and ones. */
async function compare(
  before: Model,
  after: Model,
  normalisation: Normalisation,
  { raw, half }: { raw: boolean; half: boolean },
): Promise<{ difference: number; largest: number }> {
  const sample = sampleShapeOf(before);
  const random = new Random(0, "export");
  const normal = Float32Array.from({ length: PROBES * sizeOf(sample) }, (_, i) => 4 * random.uniform(i) - 2);
  const outside = denormalise(normal, normalisation, sample);
  const answer = async (model: Model, normalised: boolean): Promise<Float32Array> => {
    const [input, output] = [model.graph.inputs[0]?.name as string, model.graph.outputs[0]?.name as string];
    const { dtype = "float32" } = model.graph.inputs[0] ?? {};
    const values = isFloat(dtype) ? (normalised ? outside : normal) : normal.map((v) => Number(v > 0));
    const feed = tensor(dtype, values, [PROBES, ...sample]);
    const found = await runOnce(writeModel(model), { [input]: feed });
    return found[output]?.data as Float32Array;
  };
  const inside = hasNormalisation(before) || (isNone(normalisation) && !raw);
  const [a, b] = [await answer(before, inside), await answer(after, !raw)];
  const largest = a.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const difference = a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);
  if (!(difference <= (half ? 2e-2 : 1e-4) * Math.max(1, largest)))
    throw new RunError({
      code: "engine-failed",
      where: "export",
      found: `the outputs of the exported model differ by ${difference} from the original's, so nothing was written`,
      cure: half ? "Export it without --half" : "Please report this",
    });
  return { difference, largest };
}

const isNone = (n: Normalisation): boolean => JSON.stringify(n) === JSON.stringify(RAW);

/** What normalises to these values. */
function denormalise(values: Float32Array, n: Normalisation, sample: readonly number[]): Float32Array {
  const channels = sample[0] ?? 1;
  const plane = sizeOf(sample) / channels;
  const at = (v: readonly number[], c: number): number => v[v.length === 1 ? 0 : c] as number;
  return values.map((v, i) => {
    const c = Math.floor(i / plane) % channels;
    return (v * at(n.std, c) + at(n.mean, c)) / n.scale;
  });
}
