/** The student as a plain ONNX inference model. */

import { irVersionFor, lowestOpset } from "../graph/opsets.js";
import type { Normalisation } from "../graph/samples.js";
import type { TrainableModel } from "../graph/trainable-model.js";
import type { Model } from "../graph/types.js";
import { verifyGraph } from "../graph/verify.js";
import { freeBatch, withWeights } from "./evaluation.js";
import { marked } from "./mark.js";
import { withNormalisation } from "./normalise.js";
import { deadNodes } from "./passes/dead-nodes.js";
import { withoutDropout } from "./passes/dropout.js";
import { dropIdentities } from "./passes/identities.js";

export interface ExportOptions {
  /** Put in front of the graph; null leaves the graph as it is (--raw). */
  readonly normalisation: Normalisation | null;
  /** Class names, written to the metadata as JSON under "classes". */
  readonly classes: readonly string[];
  readonly producerVersion: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The model to deploy: trained weights inside, free batch, dropout and stochastic depth gone, lowest opset and IR that suffice, nothing that
 * changes from one export to the next. Its metadata says how it is fed and read (mark.ts).
 * @param model without normalisation in front
 */
export function exportModel(
  model: TrainableModel,
  weights: ReadonlyMap<string, Float32Array>,
  options: ExportOptions,
): Model {
  const weighted = withWeights(model.graph, weights);
  const normalised = withNormalisation(weighted, model.inputs[0] as string, options.normalisation);
  const graph = deadNodes(dropIdentities(withoutDropout(freeBatch(normalised, model.inputs))));
  verifyGraph(graph);
  const opset = lowestOpset(graph);
  return {
    graph,
    opsets: { "": opset },
    irVersion: irVersionFor(opset),
    producerName: "limbeck",
    producerVersion: options.producerVersion,
    metadata: marked(
      {
        ...options.metadata,
        ...(options.classes.length > 0 ? { classes: JSON.stringify(options.classes) } : {}),
      },
      options.normalisation !== null,
    ),
  };
}
