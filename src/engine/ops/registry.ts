/** All ops limbeck knows. Adding a family: write its file, add one line here. */
import { InputError } from "../../base/errors.js";
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

const table = new Map<string, OpDefinition>();
const homes = new Map<OpDefinition, string>();
for (const [family, definitions] of Object.entries(families)) {
  for (const definition of definitions) {
    const key = `${definition.domain ?? ""}:${definition.op}`;
    if (table.has(key)) throw new Error(`op ${key} is defined twice`);
    table.set(key, definition);
    homes.set(definition, family);
  }
}

/** The family a definition belongs to. */
export function familyOf(definition: OpDefinition): string {
  return homes.get(definition) ?? "";
}

/** The definition of an op, if limbeck has one. */
export function findOp(op: string, domain = ""): OpDefinition | undefined {
  return table.get(`${domain === "ai.onnx" ? "" : domain}:${op}`);
}

/** Every definition, standard ops first, by name. */
export function allOps(): OpDefinition[] {
  return [...table.values()].sort((a, b) => (a.domain ?? "").localeCompare(b.domain ?? "") || a.op.localeCompare(b.op));
}

/** The definition of a call's op; an InputError that names the node when there is none. */
export function opOf(call: OpCall | BuiltCall): OpDefinition {
  const definition = findOp(call.op, call.domain);
  if (definition) return definition;
  const full = call.domain ? `${call.domain}.${call.op}` : call.op;
  throw new InputError({
    code: "model-unsupported",
    where: `node ${quote(call.name)}`,
    found: `limbeck has no shape rule for the op ${full}`,
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
