/** All losses. Adding one: write its file, add it to one of the three lists here. */
import type { Value } from "../graph/builder.js";
import { attention } from "./losses/attention.js";
import { attentionMap } from "./losses/attention-map.js";
import { bernoulli } from "./losses/bernoulli.js";
import { cosine } from "./losses/cosine.js";
import { crd } from "./losses/crd.js";
import { crossEntropy } from "./losses/cross-entropy.js";
import { dist } from "./losses/dist.js";
import { dkd } from "./losses/dkd.js";
import type { LayerPair } from "./features.js";
import { fitnet } from "./losses/fitnet.js";
import { fsp } from "./losses/fsp.js";
import { hidden } from "./losses/hidden.js";
import { jsd } from "./losses/jsd.js";
import { kd } from "./losses/kd.js";
import { logitMse } from "./losses/logit-mse.js";
import { mutual } from "./losses/mutual.js";
import { nkd } from "./losses/nkd.js";
import { pkt } from "./losses/pkt.js";
import { regression } from "./losses/regression.js";
import { reverseKl } from "./losses/reverse-kl.js";
import { review } from "./losses/review.js";
import { rkd } from "./losses/rkd.js";
import { similarity } from "./losses/similarity.js";
import { simkd } from "./losses/simkd.js";
import { topKKl } from "./losses/top-k-kl.js";
import { tvd } from "./losses/tvd.js";
import type { LossConfig, LossDefinition, LossInputs } from "./types.js";
import { vid } from "./losses/vid.js";

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
