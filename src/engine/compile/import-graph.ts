/** What the graph of an ONNX file goes through before it can be trained. */
import { canonicalGraph } from "../graph/canonical.js";
import { type FormFindings, inferenceForm } from "../graph/inference-form.js";
import type { Graph, Model } from "../graph/types.js";
import { withoutNormalisation } from "./normalise.js";
import type { PassOptions } from "./passes/index.js";

export interface ImportedGraph extends FormFindings {
  /** In inference form and in the canonical opset; without the normalisation that limbeck puts in front of its exports. */
  readonly graph: Graph;
}

/**
 * @param where names the model in errors
 * @param onPass told of each pass: "inference-form", "canonical-opset", "without-normalisation"
 * @throws InputError when the model cannot be brought to that form
 */
export function importGraph(model: Model, where: string, onPass?: PassOptions["onPass"]): ImportedGraph {
  const { model: plain, ...findings } = inferenceForm(model, where);
  onPass?.("inference-form", model.graph, plain.graph);
  const canonical = canonicalGraph(plain, where);
  onPass?.("canonical-opset", plain.graph, canonical);
  const graph = withoutNormalisation(canonical);
  onPass?.("without-normalisation", canonical, graph);
  return { ...findings, graph };
}
