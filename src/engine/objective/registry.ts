/** All losses. Adding one: write its file, add it to the list here. */
import { z } from "zod";
import { Registry } from "../../base/registry.js";
import { type CustomLossConfig, customEntry, isCustom } from "./custom.js";
import type { ConfigOf, LossConfig, LossEntry, LossReference, LossSchema } from "./entry.js";
import { attention } from "./losses/attention.js";
import { attentionMap } from "./losses/attention-map.js";
import { bernoulli } from "./losses/bernoulli.js";
import { cosine } from "./losses/cosine.js";
import { crd } from "./losses/crd.js";
import { crossEntropy } from "./losses/cross-entropy.js";
import { dist } from "./losses/dist.js";
import { dkd } from "./losses/dkd.js";
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
import { vid } from "./losses/vid.js";

const builtIn = [
  crossEntropy,
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
  mutual,
] as const;

const losses = new Registry<LossEntry>("loss", builtIn);

/** limbeck's own losses against one thing. */
export type BuiltInLoss<Against extends LossReference> = Extract<
  (typeof builtIn)[number],
  { readonly against: Against }
>;
/** Configuration of a loss against the labels. */
export type StudentLossConfig = ConfigOf<BuiltInLoss<"labels">["schema"]>;
/** Configuration of a loss against the teacher's answers. */
export type DistillationLossConfig = ConfigOf<BuiltInLoss<"answers">["schema"]>;
/** Configuration of a loss between layers. */
export type FeatureLossConfig = ConfigOf<BuiltInLoss<"layers">["schema"]>;
/** Configuration of a loss against students that learn together. */
export type PeerLossConfig = ConfigOf<BuiltInLoss<"peers">["schema"]>;

/**
 * Adds a loss: recipes, the library, `limbeck doctor` and the reference know it from then on, by its kind. Register it before
 * a recipe is parsed.
 * @returns takes it away again
 * @throws InputError when there is a loss of this kind
 */
export function registerLoss<S extends LossSchema>(entry: LossEntry<S>): () => void {
  return losses.register(entry as unknown as LossEntry);
}

/** The losses against one of these things, in the order in which they were added. */
export function lossesAgainst(...references: readonly LossReference[]): readonly LossEntry[] {
  return losses.entries.filter((loss) => references.includes(loss.against));
}

/** The loss of a kind, where there is one. */
export const findLoss = (kind: string): LossEntry | undefined => losses.find(kind);

/** The loss that a checked configuration names, or brings along. @param field its place in the objective */
export function lossOf(config: LossConfig | CustomLossConfig, field = "objective"): LossEntry {
  if (isCustom(config)) return customEntry(config, field);
  const entry = losses.find(config.kind);
  if (!entry) throw new Error(`no loss "${config.kind}"`);
  return entry;
}

/** The temperature of a loss where none is given: the one of its paper; 1 where it has none. */
export function usualTemperature(kind: string): number {
  const field = losses.find(kind)?.schema.shape.temperature;
  const usual = field && z.safeParse(field, undefined).data;
  return typeof usual === "number" ? usual : 1;
}
