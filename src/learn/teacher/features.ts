/** Inner values of a teacher: its model with some of them as further outputs. */
import type { Value } from "../../engine/graph/builder.js";
import { canonicalGraph } from "../../engine/graph/canonical.js";
import { isFloat } from "../../engine/graph/tensor.js";
import type { Dim, DType, Graph, Model } from "../../engine/graph/types.js";
import { type FeatureInfo, matchFeatures } from "../../engine/objective/features.js";
import { createBuilder } from "../../engine/ops/registry.js";

/** A value inside a model that a feature loss may name. */
export interface FeatureCandidate extends FeatureInfo {
  readonly op: string;
  /** null: not known without running the model. */
  readonly dtype: DType | null;
  /** For a batch of one; null when unknown. */
  readonly shape: readonly number[] | null;
}

/** A model whose features are outputs too. */
export interface OpenedFeatures {
  readonly model: Model;
  readonly features: readonly FeatureInfo[];
  /** Names of the outputs the model had before. */
  readonly outputs: readonly string[];
}

/**
 * Every value a node of the model gives, in the order of its graph, without those that are known not to be float.
 * Types and shapes come from the shape rules, where all ops have one and the inputs' sizes are known, else from the file.
 */
export function featureCandidates(model: Model, where: string): FeatureCandidate[] {
  const known = inferred(model, where);
  return model.graph.nodes.flatMap((node) =>
    node.outputs.flatMap((name, i): FeatureCandidate[] => {
      if (name === "") return [];
      const declared = model.graph.valueTypes?.get(name) ?? model.graph.outputs.find((o) => o.name === name);
      const dtype = known?.get(name)?.dtype ?? declared?.dtype ?? null;
      if (dtype !== null && !isFloat(dtype)) return [];
      const shape = known?.get(name)?.shape ?? numeric(declared?.shape ?? null);
      return [{ name, node: i === 0 ? node.name : "", op: node.op, dtype, shape }];
    }),
  );
}

/**
 * The model with the features that these names and patterns mean as further outputs.
 * @throws InputError naming what is near when there is none
 */
export function withFeatures(model: Model, patterns: readonly string[], where: string): OpenedFeatures {
  const { graph } = model;
  const candidates = featureCandidates(model, where);
  const found = new Map(patterns.flatMap((p) => matchFeatures(p, candidates, where)).map((f) => [f.name, f]));
  // In the order of the graph, so that the order of patterns does not make another store.
  const features = candidates.filter((c) => found.has(c.name));
  const outputs = graph.outputs.map((o) => o.name);
  const added = features
    .filter((f) => !outputs.includes(f.name))
    .map((f) => ({ name: f.name, dtype: f.dtype ?? ("float32" as const), shape: null }));
  return {
    model: { ...model, graph: { ...graph, outputs: [...graph.outputs, ...added] } },
    features: features.map(({ name, node }) => ({ name, node })),
    outputs,
  };
}

/** Types of all values for a batch of one; null when some op has no shape rule or an input's size is unknown. */
function inferred(model: Model, where: string): ReadonlyMap<string, { dtype: DType; shape: readonly number[] }> | null {
  try {
    const graph: Graph = canonicalGraph(model, where);
    const b = createBuilder(graph.name);
    const bindings = new Map<string, Value>();
    for (const { name, dtype, shape } of graph.inputs) {
      const sizes = shape?.map((d, i) => (typeof d === "number" ? d : i === 0 ? 1 : null));
      if (!sizes || sizes.includes(null)) return null;
      bindings.set(name, b.input(name, dtype, sizes as number[]));
    }
    return b.inline(graph, bindings);
  } catch {
    return null;
  }
}

const numeric = (shape: readonly Dim[] | null): number[] | null =>
  shape?.every((d) => typeof d === "number") ? (shape as number[]) : null;
