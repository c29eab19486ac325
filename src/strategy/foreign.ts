/** Models that can be trained: built here, or found in an ONNX file. Nothing here is Node's. */
import { freeBatch } from "../compile/evaluation.js";
import { withoutNormalisation } from "../compile/normalise.js";
import type { TrainableModel } from "../compile/types.js";
import { samplePieces } from "../data/read.js";
import type { DataSet } from "../data/types.js";
import { InputError } from "../errors.js";
import { canonicalGraph } from "../graph/canonical.js";
import { sizeOf } from "../graph/tensor.js";
import type { Model, Tensor } from "../graph/types.js";
import { countMacs } from "../models/cost.js";
import { buildModel, trainableModel } from "../models/model.js";
import { modelSpecOf } from "../recipe/resolve.js";
import type { ModelRecipe } from "../recipe/schema.js";

export interface Prepared {
  readonly model: TrainableModel;
  /** One line for people. */
  readonly architecture: string;
  readonly parameters: number;
  /** Multiply-accumulates of one sample; null when unknown. */
  readonly macs: number | null;
}

/**
 * A model with start weights.
 * @param seed of the start weights
 * @throws InputError when it does not fit the data
 */
export function builtModel(
  recipe: Exclude<ModelRecipe, { kind: "onnx" }>,
  data: DataSet,
  classes: number,
  seed: number,
): Prepared {
  if (recipe.kind === "text-encoder") checkTokens(data, recipe.vocabulary);
  const { initialiser } = recipe;
  const built = buildModel(modelSpecOf(recipe), { inputShape: data.sampleShape, classes, seed, initialiser });
  return {
    model: trainableModel(built),
    architecture: built.describe,
    parameters: built.parameterCount,
    macs: built.macs,
  };
}

/** Every sample must be made of token ids: a row beyond the table would stop the run in its middle. */
function checkTokens(data: DataSet, vocabulary: number): void {
  const width = sizeOf(data.sampleShape);
  const all = Uint32Array.from({ length: data.size }, (_, i) => i);
  for (const { indices, samples } of samplePieces(data, all)) {
    const bad = samples.findIndex((v) => !Number.isInteger(v) || v < 0 || v >= vocabulary);
    if (bad < 0) continue;
    throw new InputError(
      data.name,
      `sample ${indices[Math.floor(bad / width)]}, position ${bad % width}: found ${samples[bad]}; a text-encoder with vocabulary ${vocabulary} takes token ids from 0 to ${vocabulary - 1}`,
    );
  }
}

/**
 * A student that limbeck did not build: its weights are the start weights, its names stay.
 * @param path its file or name, for messages
 * @throws InputError when it does not fit the data, or nothing in it can be trained
 */
export function foreignModel(
  model: Model,
  path: string,
  trainable: readonly string[],
  frozen: readonly string[],
  data: DataSet,
  classes: number,
): Prepared {
  // An export of limbeck's own has the normalisation of its data inside: it gets that of this data in front.
  const found = withoutNormalisation(canonicalGraph(model, path));
  const [input, output] = [found.inputs[0], found.outputs[0]];
  if (!input || !output || found.inputs.length !== 1)
    throw new InputError(path, `a student has one input, found ${found.inputs.length}`);
  const rank = data.sampleShape.length + 1;
  if (rank !== (input.shape?.length ?? rank))
    throw new InputError(path, `its input is [${input.shape}], a sample [${data.sampleShape}]`);
  const last = output.shape?.[output.shape.length - 1];
  if (typeof last === "number" && last !== classes)
    throw new InputError(path, `its output "${output.name}" has ${last} classes, the data has ${classes}`);
  const [wanted, unwanted] = [matcher(trainable), matcher(frozen)];
  const statistics = found.nodes
    .filter((n) => n.op === "BatchNormalization")
    .flatMap((n) => [n.inputs[3] ?? "", n.inputs[4] ?? ""]);
  // Numbers without a shape are bounds, slopes and the like; whoever wants one trained names it.
  const weight = (name: string, { dtype, shape }: Tensor): boolean =>
    dtype === "float32" && (shape.length > 0 || trainable.includes(name));
  const names = [...found.initializers].flatMap(([name, t]) => (weight(name, t) ? [name] : []));
  const parameters = names.filter((n) => wanted(n) && !unwanted(n) && !statistics.includes(n));
  const buffers = statistics.filter((n) => names.includes(n) && !unwanted(n));
  if (parameters.length === 0)
    throw new InputError(
      "student.trainable",
      `no float32 initialiser of ${path} matches; it has ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`,
    );
  const graph = freeBatch(found, input.name);
  return {
    model: { graph, parameters, buffers, input: input.name, output: output.name },
    architecture: `onnx ${graph.name}`,
    parameters: parameters.reduce((s, n) => s + sizeOf(graph.initializers.get(n)?.shape ?? []), 0),
    macs: countMacs(found) ?? null,
  };
}

/** Tells whether a name matches any of these patterns, in which * stands for any text. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const literal = (s: string): string => s.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const all = patterns.map((p) => new RegExp(`^${p.split("*").map(literal).join(".*")}$`));
  return (name) => all.some((r) => r.test(name));
}
