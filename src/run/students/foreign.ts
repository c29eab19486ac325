/** Models that can be trained: built here, or found in an ONNX file. Nothing here is Node's. */
import { freeBatch } from "../../engine/compile/evaluation.js";
import { importGraph } from "../../engine/compile/import-graph.js";
import type { TrainableModel } from "../../engine/graph/trainable-model.js";
import { samplePieces } from "../../learn/data/read.js";
import type { DataSet } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { inferenceNotes, randomNote } from "../../engine/graph/inference-form.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import type { Graph, Model, Tensor, ValueInfo } from "../../engine/graph/types.js";
import { countMacs } from "../../engine/models/cost.js";
import { buildModel, trainableModel } from "../../engine/models/model.js";
import { findOp } from "../../engine/ops/registry.js";
import { builtEntry, isFileModel, modelEntry, type ModelSpec } from "../../engine/models/registry.js";
import type { ModelPlan } from "../recipe/schema/schema.js";

export interface Prepared {
  readonly model: TrainableModel;
  /** Names of the data's arrays that its inputs read, in their order; absent: its one input reads the main array. */
  readonly reads?: readonly string[];
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
  return {
    model: trainableModel(built),
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
  const { trainable, frozen } = trainedOf(plan);
  // An export of limbeck's own has the normalisation of its data inside: it gets that of this data in front.
  const { graph: found, ...form } = importGraph(model, path);
  const [input, output] = checkedEnds(found, path, data, classes);
  const [wanted, unwanted] = [matcher(trainable), matcher(frozen)];
  const statistics = found.nodes.flatMap((n) =>
    (findOp(n.op, n.domain)?.statistics ?? []).map((i) => n.inputs[i] ?? ""),
  );
  // Numbers without a shape are bounds, slopes and the like; whoever wants one trained names it.
  const weight = (name: string, { dtype, shape }: Tensor): boolean =>
    dtype === "float32" && (shape.length > 0 || trainable.includes(name));
  const names = [...found.initializers].flatMap(([name, t]) => (weight(name, t) ? [name] : []));
  const random = randomNote(form, "its outputs");
  const parameters = names.filter((n) => wanted(n) && !unwanted(n) && !statistics.includes(n));
  const buffers = statistics.filter((n) => names.includes(n) && !unwanted(n));
  if (parameters.length === 0)
    throw new InputError({
      code: "layer-missing",
      where: "student.trainable",
      found: `no float32 initialiser of ${path} matches`,
      expected: `the name of one of its ${names.length} float32 initialisers${names.length > 0 ? ` (${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""})` : ""}`,
      cure: "Name initialisers that limbeck inspect lists, or leave trainable and frozen out",
    });
  const graph = freeBatch(found, [input.name]);
  return {
    model: { graph, parameters, buffers, inputs: [input.name], output: output.name },
    architecture: `onnx ${graph.name}`,
    parameters: parameters.reduce((s, n) => s + sizeOf(graph.initializers.get(n)?.shape ?? []), 0),
    macs: countMacs(found) ?? null,
    notes: inferenceNotes(form),
    warnings: random ? [random] : [],
  };
}

/** Which initialisers of its file are trained. */
function trainedOf(plan: ModelPlan): { readonly trainable: readonly string[]; readonly frozen: readonly string[] } {
  const entry = modelEntry(plan.kind);
  return isFileModel(entry) ? entry.trained(plan) : { trainable: ["*"], frozen: [] };
}

/** Its input and its output. @throws InputError when they do not fit the data */
function checkedEnds(graph: Graph, path: string, data: DataSet, classes: number): [ValueInfo, ValueInfo] {
  const [input, output] = [graph.inputs[0], graph.outputs[0]];
  if (!input || !output || graph.inputs.length !== 1)
    throw new InputError({
      code: "model-input",
      where: path,
      found: `it has ${graph.inputs.length} inputs${graph.inputs.length > 0 ? ` (${graph.inputs.map((i) => i.name).join(", ")})` : ""}`,
      expected: "a student with one input",
      cure: "Export a model whose one input takes the samples",
    });
  const rank = data.sampleShape.length + 1;
  if (rank !== (input.shape?.length ?? rank))
    throw new InputError({
      code: "model-input",
      where: path,
      found: `its input "${input.name}" is [${input.shape?.map((d) => d ?? "?")}], a sample of the data is [${data.sampleShape}]`,
      expected: `an input with ${rank} dimensions, the batch first`,
      cure: "Export a model for samples of this shape",
    });
  const last = output.shape?.[output.shape.length - 1];
  if (typeof last === "number" && last !== classes)
    throw new InputError({
      code: "model-output",
      where: path,
      found: `its output "${output.name}" has ${last} values a sample, the data has ${classes} classes`,
      expected: `${classes} values, one for each class`,
      cure: "Replace the model's last layer by one for these classes",
    });
  return [input, output];
}

/** Tells whether a name matches any of these patterns, in which * stands for any text. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const literal = (s: string): string => s.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const all = patterns.map((p) => new RegExp(`^${p.split("*").map(literal).join(".*")}$`));
  return (name) => all.some((r) => r.test(name));
}
