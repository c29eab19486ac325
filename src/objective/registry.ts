/** All losses. Adding one: write its file, add it to one of the three lists here. */
import type { Value } from "../graph/builder.js";
import { attention } from "./attention.js";
import { attentionMap } from "./attention-map.js";
import { bernoulli } from "./bernoulli.js";
import { cosine } from "./cosine.js";
import { crd } from "./crd.js";
import { crossEntropy } from "./cross-entropy.js";
import { dist } from "./dist.js";
import { dkd } from "./dkd.js";
import type { LayerPair } from "./features.js";
import { fitnet } from "./fitnet.js";
import { fsp } from "./fsp.js";
import { hidden } from "./hidden.js";
import { jsd } from "./jsd.js";
import { kd } from "./kd.js";
import { logitMse } from "./logit-mse.js";
import { mutual } from "./mutual.js";
import { nkd } from "./nkd.js";
import { pkt } from "./pkt.js";
import { regression } from "./regression.js";
import { reverseKl } from "./reverse-kl.js";
import { review } from "./review.js";
import { rkd } from "./rkd.js";
import { similarity } from "./similarity.js";
import { simkd } from "./simkd.js";
import { topKKl } from "./top-k-kl.js";
import { tvd } from "./tvd.js";
import type { LossConfig, LossDefinition, LossInputs } from "./types.js";
import { vid } from "./vid.js";

/** Losses against the labels. */
export const studentLosses = [crossEntropy] as const;
/** Losses against the teacher. */
export const distillationLosses = [
  kd,
  dkd,
  nkd,
  dist,
  reverseKl,
  jsd,
  tvd,
  logitMse,
  topKKl,
  bernoulli,
  regression,
  cosine,
] as const;

/** Losses between inner values of student and teacher: terms beside the others. */
export const featureLosses = [
  fitnet,
  attention,
  similarity,
  rkd,
  pkt,
  fsp,
  vid,
  crd,
  review,
  simkd,
  hidden,
  attentionMap,
] as const;
/** Losses against students that learn together: what the strategy mutual takes as distillation loss. */
export const peerLosses = [mutual] as const;

type ConfigOf<D> = D extends LossDefinition<infer Config> ? Config : never;
/** Configuration of any loss against the labels. */
export type StudentLossConfig = ConfigOf<(typeof studentLosses)[number]>;
/** Configuration of any loss against the teacher. */
export type DistillationLossConfig = ConfigOf<(typeof distillationLosses)[number]>;
/** Configuration of any loss between inner values. */
export type FeatureLossConfig = ConfigOf<(typeof featureLosses)[number]>;

/** The definition behind a kind in one of the lists, if there. */
export function findLoss(
  losses: readonly LossDefinition<LossConfig>[],
  kind: string,
): LossDefinition<LossConfig> | undefined {
  return losses.find((l) => l.name === kind);
}

/** A loss that is not in these lists, with its definition beside it. */
export interface CustomLossConfig extends LossConfig {
  readonly kind: "custom";
  readonly definition: CustomLoss;
}

/** A loss of one's own: what `LossDefinition` is, without a configuration of its own. */
export interface CustomLoss {
  /** Names the term in logs and reports. */
  readonly name: string;
  /** Ties checkpoints to this form of the loss, besides its source text: change it when what `build` refers to changes. */
  readonly version?: string;
  readonly needs: LossDefinition<LossConfig>["needs"];
  /** Says that it is a mean over the samples and multiplies what each sample has by `inputs.sampleWeights` where it is there. */
  readonly perSample?: true;
  /** Layers whose values `build` asks for with `inputs.features`; default none. */
  readonly layers?: readonly LayerPair[];
  /** The loss as a scalar []; its gradient follows from the graph. */
  build(inputs: LossInputs): Value;
}
