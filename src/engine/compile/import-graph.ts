/** What the graph of an ONNX file goes through before it can be trained. */
import { canonicalGraph } from "../graph/canonical.js";
import { constantsAsInitializers } from "../graph/constants.js";
import { type FormFindings, inferenceForm } from "../graph/inference-form.js";
import type { Graph, Model } from "../graph/types.js";
import { withoutNormalisation } from "./normalise.js";
import type { PassOptions } from "./passes/index.js";
import { safeBranches } from "./safe-branches.js";
import { untieWeights } from "./untie.js";

export interface ImportedGraph extends FormFindings {
  /** In inference form and in the canonical opset; without the normalisation that limbeck puts in front of its exports. */
  readonly graph: Graph;
  /** Tensors that the exporter had stored as one with another, by name: each layer has its own again. */
  readonly untied: ReadonlyMap<string, string>;
}

export interface ImportOptions {
  /** Told of each pass: "inference-form", "canonical-opset", "constants", "untied-weights", "safe-branches", "without-normalisation". */
  readonly onPass?: PassOptions["onPass"];
  /** Whether a tensor, by its name, stays shared by several layers where the exporter stored it once. Default: none does. */
  readonly tied?: (name: string) => boolean;
}

/**
 * @param where names the model in errors
 * @throws InputError when the model cannot be brought to that form
 */
export function importGraph(
  model: Model,
  where: string,
  { onPass, tied = () => false }: ImportOptions = {},
): ImportedGraph {
  const { model: plain, ...findings } = inferenceForm(model, where);
  onPass?.("inference-form", model.graph, plain.graph);
  const canonical = canonicalGraph(plain, where);
  onPass?.("canonical-opset", plain.graph, canonical);
  const constant = constantsAsInitializers(canonical);
  onPass?.("constants", canonical, constant);
  const { graph: own, untied } = untieWeights(constant, tied);
  onPass?.("untied-weights", constant, own);
  const safe = safeBranches(own);
  onPass?.("safe-branches", own, safe);
  const graph = withoutNormalisation(safe);
  onPass?.("without-normalisation", safe, graph);
  return { ...findings, graph, untied };
}
