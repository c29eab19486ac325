/** Models that can be trained: built here, or found in an ONNX file. Nothing here is Node's. */
import { freeBatch } from "../../engine/compile/evaluation.js";
import { importGraph } from "../../engine/compile/import-graph.js";
import type { TrainableModel } from "../../engine/graph/trainable-model.js";
import { samplePieces } from "../../learn/data/read.js";
import { namedArrays, SAMPLES_NAME } from "../../learn/data/arrays.js";
import { checkRecords } from "../../learn/data/port-checks.js";
import { fillPorts, type ModelPort } from "../../learn/data/ports.js";
import type { DataSet, NamedSamples } from "../../learn/data/types.js";
import { namesOf } from "../../base/names.js";
import { noun } from "../../base/noun.js";
import { weightsOf } from "../../engine/compile/weights.js";
import { InputError } from "../../base/errors.js";
import { inferenceNotes, randomNote } from "../../engine/graph/inference-form.js";
import { isFloat, sizeOf } from "../../engine/graph/tensor.js";
import type { Graph, Model, ValueInfo } from "../../engine/graph/types.js";
import { countMacs } from "../../engine/models/cost.js";
import { buildModel, trainableModel } from "../../engine/models/model.js";
import { builtEntry, isFileModel, modelEntry, type ModelSpec } from "../../engine/models/registry.js";
import type { ModelPlan } from "../recipe/schema/schema.js";

export interface Prepared {
  readonly model: TrainableModel;
  /** Its inputs, where these are several, or the data has several arrays; absent: its one input reads the one array. */
  readonly ports?: readonly ModelPort[];
  /** One line for people. */
  readonly architecture: string;
  readonly parameters: number;
  /** Multiply-accumulates of one sample; null when unknown. */
  readonly macs: number | null;
  /** Sentences about what was changed when it was read from a file. */
  readonly notes?: readonly string[];
  /** Sentences about what is wrong with it. */
  readonly warnings?: readonly string[];
}

/**
 * A model with start weights.
 * @param seed of the start weights
 * @throws InputError when it does not fit the data
 */
export function builtModel(plan: ModelPlan, data: DataSet, classes: number, seed: number): Prepared {
  const vocabulary = builtEntry(plan.kind).vocabulary?.(plan);
  if (vocabulary !== undefined) checkTokens(data, plan.kind, vocabulary);
  const built = buildModel(plan as ModelSpec, { inputShape: data.sampleShape, classes, seed });
  const model = trainableModel(built);
  // A built model reads the main array.
  const ports = data.others ? [{ name: data.input ?? SAMPLES_NAME, dtype: "int32" }] : undefined;
  return {
    model,
    ...(ports ? { ports } : {}),
    architecture: built.describe,
    parameters: built.parameterCount,
    macs: built.macs,
  };
}

/** Every sample must be made of token ids: a row beyond the table would stop the run in its middle. */
function checkTokens(data: DataSet, kind: string, vocabulary: number): void {
  const width = sizeOf(data.sampleShape);
  const all = Uint32Array.from({ length: data.size }, (_, i) => i);
  for (const { indices, samples } of samplePieces(data, all)) {
    const bad = samples.findIndex((v) => !Number.isInteger(v) || v < 0 || v >= vocabulary);
    if (bad < 0) continue;
    throw new InputError({
      code: "model-input",
      where: data.name,
      found: `sample ${indices[Math.floor(bad / width)]}, position ${bad % width} holds ${samples[bad]}`,
      expected: `a token id from 0 to ${vocabulary - 1}, as the vocabulary of the ${kind} is ${vocabulary}`,
      cure: "Raise the model's vocabulary, or give samples of token ids",
    });
  }
}

/**
 * A student that limbeck did not build: its weights are the start weights, its names stay.
 * @param path its file or name, for messages
 * @throws InputError when it does not fit the data, or nothing in it can be trained
 */
export function foreignModel(model: Model, path: string, plan: ModelPlan, data: DataSet, classes: number): Prepared {
  const chosen = trainedOf(plan);
  const tied = matcher(chosen.tied ?? []);
  // An export of limbeck's own has the normalisation of its data inside: it gets that of this data in front.
  const { graph: found, untied, ...form } = importGraph(model, path, { tied });
  const { ports, reads, output, notes } = checkedEnds(found, path, chosen.output, data, classes);
  const random = randomNote(form, "its outputs");
  const { parameters, buffers, said } = trainedTensors(found, path, chosen);
  const names = ports.map((p) => p.name);
  const graph = freeBatch(found, names);
  return {
    model: { graph, parameters, buffers, inputs: names, output: output.name },
    ...(reads ? { ports } : {}),
    architecture: `onnx ${graph.name}`,
    parameters: parameters.reduce((s, n) => s + sizeOf(graph.initializers.get(n)?.shape ?? []), 0),
    macs: countMacs(found) ?? null,
    notes: [...inferenceNotes(form), ...notes, ...untiedNotes(untied), ...said],
    warnings: random ? [random] : [],
  };
}

/** Which initialisers of its file are trained. */
function trainedOf(plan: ModelPlan): TrainedTensors {
  const entry = modelEntry(plan.kind);
  return isFileModel(entry) ? entry.trained(plan) : { trainable: ["*"], frozen: [] };
}

interface Ends {
  readonly ports: readonly ModelPort[];
  /** Names of the arrays that they read; null where the one input reads the one array. */
  readonly reads: readonly string[] | null;
  readonly output: ValueInfo;
  readonly notes: readonly string[];
}

/** Its inputs and its output. @throws InputError when they do not fit the data */
function checkedEnds(graph: Graph, path: string, wanted: string | undefined, data: DataSet, classes: number): Ends {
  const output = wanted === undefined ? graph.outputs[0] : graph.outputs.find((o) => o.name === wanted);
  if (!output)
    throw new InputError({
      code: "model-output",
      where: wanted === undefined ? path : "student.output",
      found: wanted === undefined ? "it has no output" : `${path} has no output "${wanted}"`,
      expected: `one of ${graph.outputs.map((o) => o.name).join(", ")}`,
      cure: "Name an output that the model has",
    });
  const ports = graph.inputs.map(({ name, dtype }) => ({ name, dtype }));
  const { data: filled, reads, notes } = fillPorts(data, ports, { where: path, field: "student.inputs" });
  const arrays = namedArrays(filled, reads);
  for (const [i, array] of arrays.entries()) checkPort(graph.inputs[i] as ValueInfo, array, path);
  checkRecords({ graph, path, ports, arrays }, data);
  const last = output.shape?.[output.shape.length - 1];
  if (typeof last === "number" && last !== classes)
    throw new InputError({
      code: "model-output",
      where: path,
      found: `its output "${output.name}" has ${last} values a sample, the data has ${classes} classes`,
      expected: `${classes} values, one for each class`,
      cure: "Replace the model's last layer by one for these classes",
    });
  return { ports, reads: ports.length > 1 || data.others ? reads : null, output, notes };
}

/** @throws InputError when an array has other dimensions or another type than the input takes */
function checkPort(input: ValueInfo, array: NamedSamples, path: string): void {
  const rank = array.sampleShape.length + 1;
  if (rank !== (input.shape?.length ?? rank))
    throw new InputError({
      code: "model-input",
      where: path,
      found: `its input "${input.name}" is [${input.shape?.map((d) => d ?? "?")}], a sample of the data is [${array.sampleShape}]`,
      expected: `an input with ${rank} dimensions, the batch first`,
      cure: "Export a model for samples of this shape",
    });
  if (!isFloat(input.dtype) && array.samples instanceof Float32Array)
    throw new InputError({
      code: "model-input",
      where: path,
      found: `its input "${input.name}" takes whole numbers (${input.dtype}), and the data's array "${array.name}" holds fractional numbers`,
      expected: "an array of whole numbers, such as token ids or a mask of 0 and 1",
      cure: "Save the array with an integer type, or map the input to another array (student.inputs)",
    });
}

interface TrainedTensors {
  readonly trainable: readonly string[];
  readonly frozen: readonly string[];
  /** Tensors that stay shared by several layers where an exporter stored them once. */
  readonly tied?: readonly string[];
  /** Which output is trained; absent: the first. */
  readonly output?: string | undefined;
}

/** What of a graph is trained. @throws InputError when that is nothing */
function trainedTensors(
  graph: Graph,
  path: string,
  { trainable, frozen }: TrainedTensors,
): { readonly parameters: string[]; readonly buffers: string[]; readonly said: string[] } {
  const { weights, statistics, constants, shared } = weightsOf(graph);
  const [wanted, unwanted] = [matcher(trainable), matcher(frozen)];
  // What is no weight (a scale, a table of positions, a bound) is trained where it is named.
  const named = matcher(trainable.filter((pattern) => pattern !== "*"));
  const floats = [...graph.initializers].filter(([, t]) => t.dtype === "float32").map(([name]) => name);
  const names = floats.filter((name) => weights.has(name) || statistics.has(name) || named(name));
  const parameters = names.filter((n) => wanted(n) && !unwanted(n) && !statistics.has(n));
  const buffers = [...statistics].filter((n) => floats.includes(n) && !unwanted(n));
  if (parameters.length === 0)
    throw new InputError({
      code: "layer-missing",
      where: "student.trainable",
      found: `no float32 initialiser of ${path} matches`,
      expected: `the name of one of its ${names.length} float32 initialisers${names.length > 0 ? ` (${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""})` : ""}`,
      cure: "Name initialisers that limbeck inspect lists, or leave trainable and frozen out",
    });
  const kept = constants.filter((name) => !parameters.includes(name));
  const said = [
    ...(kept.length > 0
      ? [
          `${noun(kept.length, "tensor")} ${kept.length === 1 ? "is" : "are"} not trained, because ${kept.length === 1 ? "it is no weight" : "they are no weights"} (${namesOf(kept, 3)}); student.trainable can name ${kept.length === 1 ? "it" : "them"}`,
        ]
      : []),
    ...(shared.size > 0
      ? [
          `${noun(shared.size, "tensor")} ${shared.size === 1 ? "serves" : "serve"} several layers and ${shared.size === 1 ? "stays" : "stay"} shared (${namesOf([...shared.keys()], 3)})`,
        ]
      : []),
  ];
  return { parameters, buffers, said };
}

const untiedNotes = (untied: ReadonlyMap<string, string>): string[] =>
  untied.size === 0
    ? []
    : [
        `${noun(untied.size, "tensor")} ${untied.size === 1 ? "was" : "were"} stored once with an equal one of another layer, and ${untied.size === 1 ? "has its" : "have their"} own value again (${namesOf([...untied.keys()], 3)}); student.tied keeps them one`,
      ];

/** Tells whether a name matches any of these patterns, in which * stands for any text. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const literal = (s: string): string => s.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const all = patterns.map((p) => new RegExp(`^${p.split("*").map(literal).join(".*")}$`));
  return (name) => all.some((r) => r.test(name));
}
