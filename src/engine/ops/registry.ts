/** All ops limbeck knows. Adding an op: write it into its family's file. Adding a family: write its file, add one line here. */
import { InputError } from "../../base/errors.js";
import { type Entry, Registry } from "../../base/registry.js";
import { type BuiltCall, GraphBuilder, type OpCall, type Semantics } from "../graph/builder.js";
import { quote } from "../../base/quote.js";
import { activationOps } from "./activation.js";
import { comparisonOps } from "./comparison.js";
import { convolutionOps } from "./convolution.js";
import type { OpDefinition } from "./definition.js";
import { dropoutOps } from "./dropout.js";
import { elementwiseOps } from "./elementwise.js";
import { gatherOps } from "./gather.js";
import { matmulOps } from "./matmul.js";
import { movementOps } from "./movement.js";
import { nchwcOps } from "./nchwc.js";
import { normalizationOps } from "./normalization.js";
import { poolingOps } from "./pooling.js";
import { reductionOps } from "./reduction.js";
import { shapeOps } from "./shape.js";
import { sliceOps } from "./slice.js";
import { softmaxOps } from "./softmax.js";
import { stopGradientOps } from "./stop-gradient.js";
import { topKOps } from "./top-k.js";

/** By the name of the file they stand in. */
const families: Readonly<Record<string, readonly OpDefinition[]>> = {
  activation: activationOps,
  comparison: comparisonOps,
  convolution: convolutionOps,
  dropout: dropoutOps,
  elementwise: elementwiseOps,
  gather: gatherOps,
  matmul: matmulOps,
  movement: movementOps,
  nchwc: nchwcOps,
  normalization: normalizationOps,
  pooling: poolingOps,
  reduction: reductionOps,
  shape: shapeOps,
  slice: sliceOps,
  softmax: softmaxOps,
  "stop-gradient": stopGradientOps,
  "top-k": topKOps,
};

/** An op's definition under its full name, "Conv" or "com.example.Conv". */
interface OpEntry extends Entry {
  readonly definition: OpDefinition;
  /** The file its definition stands in; "" for one that was added. */
  readonly family: string;
}

const entryOf = (definition: OpDefinition, family: string): OpEntry => ({
  kind: fullName(definition.op, definition.domain),
  definition,
  family,
});

const ops = new Registry<OpEntry>(
  "op",
  Object.entries(families).flatMap(([family, definitions]) => definitions.map((d) => entryOf(d, family))),
);

function fullName(op: string, domain = ""): string {
  return domain === "" || domain === "ai.onnx" ? op : `${domain}.${op}`;
}

/**
 * Adds an op that ONNX Runtime executes, so that models that hold it can be trained: its output types and its gradient rule.
 * @returns takes it away again
 * @throws InputError when limbeck has an op of this name
 */
export function registerOp(definition: OpDefinition): () => void {
  return ops.register(entryOf(definition, ""));
}

/** The family a definition belongs to. */
export function familyOf({ op, domain }: OpDefinition): string {
  return ops.find(fullName(op, domain))?.family ?? "";
}

/** The definition of an op, if limbeck has one. */
export function findOp(op: string, domain = ""): OpDefinition | undefined {
  return ops.find(fullName(op, domain))?.definition;
}

/** Every definition, standard ops first, by name. */
export function allOps(): OpDefinition[] {
  return ops.entries
    .map(({ definition }) => definition)
    .sort((a, b) => (a.domain ?? "").localeCompare(b.domain ?? "") || a.op.localeCompare(b.op));
}

/** The definition of a call's op; an InputError that names the node when there is none. */
export function opOf(call: OpCall | BuiltCall): OpDefinition {
  const definition = findOp(call.op, call.domain);
  if (definition) return definition;
  throw new InputError({
    code: "model-unsupported",
    where: `node ${quote(call.name)}`,
    found: `limbeck has no shape rule for the op ${fullName(call.op, call.domain)}`,
    expected: "an op of docs/ops.md in a model that is trained",
    cure: "Replace the op, or use the model as a teacher",
  });
}

const semantics: Semantics = {
  infer: (call) => opOf(call).infer(call),
  evaluate: (call) => findOp(call.op, call.domain)?.evaluate?.(call),
};

/** A builder that knows limbeck's ops. */
export function createBuilder(name?: string): GraphBuilder {
  return new GraphBuilder(semantics, name);
}
