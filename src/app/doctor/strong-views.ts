/** Random views so strong that the student does not learn what it is shown. */
import { allocateSamples } from "../../learn/data/samples.js";
import type { DataSet } from "../../learn/data/types.js";
import { drawnViews } from "../../learn/data/views.js";
import { correctness } from "../../learn/evaluate/metrics.js";
import { noun } from "../../base/noun.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { augmentationOf, baselineObjectiveOf } from "../../run/recipe/resolve.js";
import type { TrainingPlan } from "../../run/recipe/schema/schema.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { type ShortTraining, trainShort } from "./short-training.js";
import { type Check, type Finding, fine, type Patient, skipped } from "./types.js";

const CHECK = "strength of the views";
/** Samples of each side that are looked at. */
const MOST = 1000;
/** Fewer say nothing. */
const FEWEST = 50;
/** Points by which views of the training samples may be harder than unchanged validation samples. */
const GAP = 15;
/** Share of the views from which a student has learnt them. */
const LEARNT = 0.8;
/** An epoch whose views no training has seen. */
const UNSEEN = 1_000_000;

/** Trains the student shortly on views with labels and asks it about other views of the same samples. */
export const strongViews: Check = async (patient) => {
  const { plan, loaded, quick } = patient;
  const { data, splits } = loaded;
  const training = unblended(plan.training);
  const augmentation = augmentationOf(training);
  if (!augmentation) return [skipped(CHECK, "training.augment does not change single samples")];
  if (quick) return [skipped(CHECK, "it trains the student and --quick is set")];
  const { labelled } = expandArms(plan, loaded)[0] as Arm;
  const held = splits.validation.filter((i) => (data.labels?.[i] ?? -1) >= 0).slice(0, MOST);
  if (labelled.length < FEWEST || held.length < FEWEST)
    return [
      skipped(
        CHECK,
        `it needs ${FEWEST} labelled training and ${FEWEST} validation samples, found ${labelled.length} and ${held.length}`,
      ),
    ];
  const request = { model: plan.student, objective: baselineObjectiveOf(plan.objective), samples: labelled };
  const train = (name: string, augment: TrainingPlan["augment"]): Promise<ShortTraining | null> =>
    trainShort(patient, { ...request, name, classes: data.classes.length, augment });
  const trained = await train("student on views", training.augment);
  if (!trained) return [skipped(CHECK, "even a short training run takes too long here")];
  const shown = labelled.slice(0, MOST);
  const rendered = allocateSamples(data.samples, shown.length * sizeOf(data.sampleShape));
  drawnViews(data, augmentation, plan.seed, labelled).render(shown, UNSEEN, rendered);
  const views: DataSet = { ...data, size: shown.length, samples: rendered, fill: undefined, labels: null };
  const places = Uint32Array.from(shown, (_, i) => i);
  const onViews = scored(patient, shown, await trained.answers(places, views));
  const unchanged = scored(patient, held, await trained.answers(held));
  const found = `after ${trained.steps} of ${noun(trained.of, "step")} on labels alone, the student is correct on ${percent(onViews)} of new views of ${noun(shown.length, "training sample")} and on ${percent(unchanged)} of ${held.length} unchanged validation samples`;
  if (above(unchanged, onViews)) return [tooStrong(found)];
  if (onViews.share > LEARNT) return [fine(CHECK, found)];
  // Both are low: what the same steps make of the samples as they are tells whether it is the views.
  const plain = await train("student without views", undefined);
  const without = plain && scored(patient, held, await plain.answers(held));
  const compared = without
    ? `${found}; trained without views, it is correct on ${percent(without)} of the latter`
    : found;
  return [without && above(without, unchanged) ? tooStrong(compared) : fine(CHECK, compared)];
};

const tooStrong = (found: string): Finding => ({
  check: CHECK,
  status: "warn",
  found,
  why: "the views are harder than the samples the student is meant for, and cost capacity that it needs for those",
  change: "weaken training.augment, train longer, or use a larger student",
});

/** The training without blends of two samples, which have no one label. */
function unblended(training: TrainingPlan): TrainingPlan {
  return training.augment
    ? { ...training, augment: { ...training.augment, mixup: undefined, cutmix: undefined } }
    : training;
}

interface Score {
  readonly share: number;
  readonly count: number;
}

function scored({ loaded: { data } }: Patient, samples: Uint32Array, answers: Float32Array): Score {
  const labels = Int32Array.from(samples, (i) => data.labels?.[i] as number);
  const hits = correctness(answers, labels, data.classes.length);
  return { share: hits.reduce((a, v) => a + v, 0) / hits.length, count: hits.length };
}

/** Whether a share is above another by more than GAP, two standard deviations taken off. */
function above(a: Score, b: Score): boolean {
  const variance = ({ share, count }: Score): number => (share * (1 - share)) / count;
  return 100 * (a.share - b.share - 2 * Math.sqrt(variance(a) + variance(b))) > GAP;
}

const percent = ({ share }: Score): string => `${(100 * share).toFixed(1)} %`;
