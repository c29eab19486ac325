/** From a specification to a model: a graph with start weights. */
import type { z } from "zod";
import type { TrainableModel } from "../graph/trainable-model.js";
import { InputError } from "../../base/errors.js";
import type { Dim, Graph, ValueType } from "../graph/types.js";
import type { InitialiserName } from "../nn/initialisers.js";
import { type BufferInfo, ModelScope, type ParameterInfo } from "../nn/scope.js";
import { noun } from "../../base/noun.js";
import { createBuilder } from "../ops/registry.js";
import { countMacs } from "./cost.js";
import type { BuiltModelEntry, ModelSchema } from "./entry.js";
import { builtEntry, type ModelSpec } from "./registry.js";

export interface BuildOptions {
  /** Shape of one sample: [channels, height, width], [features], or [sequence] of token ids. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** Each start weight is a function of (seed, parameter name, index). */
  readonly seed: number;
  /** Default: what the specification says, else "pytorch". */
  readonly initialiser?: InitialiserName;
  /** False leaves biases and norm parameters without weight decay; default true, as PyTorch's optimisers do. */
  readonly decayAll?: boolean;
}

export interface BuiltModel {
  /** Inference form, weights as initialisers, "input" [batch, ...inputShape] float32 (token ids: int64) -> "logits" [batch, classes]. */
  readonly graph: Graph;
  readonly input: string;
  readonly output: string;
  readonly parameters: readonly ParameterInfo[];
  /** Running statistics of batch norms. */
  readonly buffers: readonly BufferInfo[];
  /** Elements of all parameters; buffers do not count. */
  readonly parameterCount: number;
  /** Multiply-accumulates of one sample's forward pass. */
  readonly macs: number;
  /** One line: "mlp 784-30-30-10, relu". */
  readonly describe: string;
}

/**
 * Builds a model with start weights.
 * @throws InputError when the layers do not fit the samples
 */
export function buildModel(spec: ModelSpec, options: BuildOptions): BuiltModel {
  const { inputShape, classes, seed, decayAll } = options;
  if (inputShape.length === 0 || inputShape.some((d) => !Number.isInteger(d) || d < 1))
    throw new InputError({
      code: "data-empty",
      where: "model",
      found: `the samples have the shape [${inputShape}]`,
      expected: "sizes of at least 1",
    });
  if (!Number.isInteger(classes) || classes < 1)
    throw new InputError({
      code: "class-too-few",
      where: "model",
      found: `found ${noun(classes, "class")}`,
      expected: "at least 1",
    });
  const entry = builtEntry(spec.kind);
  const settings = completed(entry.schema, spec);
  const builder = createBuilder(nameOf(entry, settings));
  const { initialiser = initialiserOf(settings) } = options;
  const scope = new ModelScope(builder, { seed, initialiser, decayAll });
  const input = builder.input("input", entry.vocabulary ? "int64" : "float32", [1, ...inputShape]);
  builder.output(entry.build(scope, input, classes, settings), "logits");
  const single = builder.build();
  const graph = freeBatch(single);
  return {
    graph,
    input: "input",
    output: "logits",
    parameters: scope.parameters,
    buffers: scope.buffers,
    parameterCount: scope.parameters.reduce((sum, p) => sum + p.size, 0),
    macs: countMacs(single) as number,
    describe: entry.describe?.(settings, inputShape, classes) ?? usualDescription(entry, settings),
  };
}

/** The same model as the compiler takes it. */
export function trainableModel(model: BuiltModel): TrainableModel {
  const trained = model.parameters.filter((p) => p.trainable);
  return {
    graph: model.graph,
    parameters: trained.map((p) => p.name),
    buffers: model.buffers.map((b) => b.name),
    undecayed: new Set(trained.filter((p) => !p.decay).map((p) => p.name)),
    inputs: [model.input],
    output: model.output,
  };
}

const initialiserOf = (settings: object): InitialiserName =>
  "initialiser" in settings ? (settings.initialiser as InitialiserName) : "pytorch";

/** What an entry takes: its defaults for what is missing. Nothing is checked. */
function completed(schema: ModelSchema, spec: ModelSpec): z.output<ModelSchema> {
  const defaults = Object.entries<z.core.$ZodType>(schema.shape).flatMap(([name, field]) => {
    const def = field._zod.def as z.core.$ZodDefaultDef;
    return def.type === "default" ? [[name, def.defaultValue]] : [];
  });
  const given = Object.entries(spec).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(defaults), ...Object.fromEntries(given) };
}

function nameOf(entry: BuiltModelEntry, settings: z.output<ModelSchema>): string {
  return entry.graphName?.(settings) ?? entry.kind;
}

function usualDescription(entry: BuiltModelEntry, settings: z.output<ModelSchema>): string {
  const { dropout, dropPath } = { dropout: undefined, dropPath: undefined, ...settings };
  return [
    nameOf(entry, settings),
    ...(dropout ? [`dropout ${dropout}`] : []),
    ...(dropPath ? [`drop path ${dropPath}`] : []),
  ].join(", ");
}

/**
 * The graph was built for one sample; nothing in it holds that 1. Replayed for two samples it shows which sizes follow the
 * batch: they become "batch", or "batch*16" where rows of several samples are one matrix.
 */
function freeBatch(graph: Graph): Graph {
  const b = createBuilder(graph.name);
  const [input] = graph.inputs as [Graph["inputs"][number]];
  const two = b.input(input.name, input.dtype, [2, ...(input.shape as number[]).slice(1)]);
  const values = b.inline(graph, new Map([[input.name, two]]));
  const free = <T extends ValueType>(name: string, type: T): T => {
    const doubled = values.get(name)?.shape;
    const dim = (d: Dim, i: number): Dim => (doubled?.[i] === d ? d : d === 1 ? "batch" : `batch*${d}`);
    return { ...type, shape: type.shape?.map(dim) ?? null };
  };
  const types = [...(graph.valueTypes ?? [])].map(([name, type]) => [name, free(name, type)] as const);
  return {
    ...graph,
    inputs: graph.inputs.map((info) => free(info.name, info)),
    outputs: graph.outputs.map((info) => free(info.name, info)),
    valueTypes: new Map(types),
  };
}
