/** From a specification to a model: a graph with start weights. */
import type { TrainableModel } from "../graph/trainable-model.js";
import { InputError } from "../../base/errors.js";
import type { Value } from "../graph/builder.js";
import { sizeOf } from "../graph/tensor.js";
import type { Dim, Graph, ValueType } from "../graph/types.js";
import type { InitialiserName } from "../nn/initialisers.js";
import { type BufferInfo, ModelScope, type ParameterInfo } from "../nn/scope.js";
import { noun } from "../../base/noun.js";
import { createBuilder } from "../ops/registry.js";
import { cnn, describeCnn } from "./cnn.js";
import { countMacs } from "./cost.js";
import { lenet } from "./lenet.js";
import { describeMlp, mlp } from "./mlp.js";
import { mobilenet } from "./mobilenet.js";
import { preset } from "./presets.js";
import { resnet } from "./resnet.js";
import type { ModelSpec } from "./spec.js";
import { describeTextEncoder, textEncoder } from "./text-encoder.js";
import { describeVit, vit } from "./vit.js";

export interface BuildOptions {
  /** Shape of one sample: [channels, height, width], [features], or [sequence] of token ids. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** Each start weight is a function of (seed, parameter name, index). */
  readonly seed: number;
  /** Default "pytorch". */
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
  const { inputShape, classes, seed, initialiser = "pytorch", decayAll } = options;
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
  const builder = createBuilder(nameOf(spec));
  const scope = new ModelScope(builder, { seed, initialiser, decayAll });
  const input = builder.input("input", spec.kind === "text-encoder" ? "int64" : "float32", [1, ...inputShape]);
  builder.output(append(scope, input, classes, spec), "logits");
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
    describe: describe(spec, inputShape, classes),
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
    input: model.input,
    output: model.output,
  };
}

function append(scope: ModelScope, input: Value, classes: number, spec: ModelSpec): Value {
  switch (spec.kind) {
    case "mlp":
      return mlp(scope, input, classes, spec);
    case "cnn":
      return cnn(scope, input, classes, spec);
    case "preset":
      return cnn(scope, input, classes, preset(spec.name));
    case "lenet":
      return lenet(scope, input, classes, spec);
    case "resnet":
      return resnet(scope, input, classes, spec);
    case "mobilenet":
      return mobilenet(scope, input, classes, spec);
    case "vit":
      return vit(scope, input, classes, spec);
    case "text-encoder":
      return textEncoder(scope, input, classes, spec);
  }
}

function nameOf(spec: ModelSpec): string {
  if (spec.kind === "preset") return spec.name;
  const width = (spec.kind === "resnet" || spec.kind === "mobilenet" ? spec.width : undefined) ?? 1;
  const stem = spec.kind === "resnet" ? `resnet${spec.depth}` : spec.kind === "mobilenet" ? "mobilenetv2" : spec.kind;
  return `${stem}${width === 1 ? "" : `x${width}`}`;
}

function describe(spec: ModelSpec, inputShape: readonly number[], classes: number): string {
  if (spec.kind === "mlp") return describeMlp(spec, sizeOf(inputShape), classes);
  if (spec.kind === "cnn") return describeCnn(spec, classes);
  if (spec.kind === "preset") return `${spec.name}: ${describeCnn(preset(spec.name), classes)}`;
  if (spec.kind === "vit") return describeVit(spec);
  if (spec.kind === "text-encoder") return describeTextEncoder(spec);
  const { dropout, dropPath } = { dropPath: undefined, ...spec };
  return [
    nameOf(spec),
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
