/** A teacher as far as it is known before it is trained or asked: the graph that it will be, with start weights. */
import { exportModel } from "../../engine/compile/export.js";
import type { ReusableClassifier } from "../../engine/compile/transfer.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import type { Model } from "../../engine/graph/types.js";
import { type FeatureInfo, perSample } from "../../engine/objective/features.js";
import { packageVersion } from "../../node/package-root.js";
import { featureCandidates } from "../../learn/teacher/features.js";
import type { Prepared } from "../students/foreign.js";

/** An inner value of a teacher that may not have been run yet. */
export interface KnownFeature extends FeatureInfo {
  /** Of one sample; null where only the running model tells. */
  readonly shape: readonly number[] | null;
}

export interface KnownTeacher {
  readonly features: readonly KnownFeature[];
  /** What a student may end in; null where the model, or how its outputs are read, is not known yet. */
  readonly classifier: ReusableClassifier | null;
}

/**
 * A model that the run will train, as it will be exported.
 * @param where for messages: "teacher.model"
 * @param normalisation what the export has in front; null for a raw one
 */
export function teacherToBe({ model }: Prepared, where: string, normalisation: Normalisation | null): KnownTeacher {
  const exported = exportModel(model, new Map(), { normalisation, classes: [], producerVersion: packageVersion() });
  return {
    features: featuresOf(exported, where, true),
    classifier: { model: exported, where, output: model.output, kind: "logits", order: null },
  };
}

/** The inner values of a graph. @param shaped whether shape rules, asked about one sample, hold for it */
export function featuresOf(model: Model, where: string, shaped: boolean): KnownFeature[] {
  return featureCandidates(model, where).map(({ name, node, shape }) => ({
    name,
    node,
    shape: shaped && shape?.[0] ? perSample(shape, 1, name).slice(1) : null,
  }));
}
