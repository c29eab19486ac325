/** What a student's random views have to do with its teacher: checked first, then labelled or asked online. */
import type { ReadyViews } from "../students/training-views.js";
import { join } from "node:path";
import { mixes } from "../../learn/data/augment/config.js";
import type { Augmentation, DataSet } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { objectiveLayers, objectiveNeeds, refusesBlends } from "../../engine/objective/objective.js";
import { augmentationOf, baselineObjectiveOf, objectiveOf, settingsOf } from "../recipe/resolve.js";
import type { Plan } from "../recipe/schema/schema.js";
import type { LabelOptions } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { openViewStore, type ViewPlan, viewsHash } from "../../learn/teacher/store/view-store.js";
import { planBatches } from "../../learn/train/batches.js";
import type { Arm } from "./arm.js";
import { fingerprint } from "../folder/context.js";

/** Views of a sample that are kept where the recipe does not say. */
const MOST_VIEWS = 8;

/** What belongs to the views of an arm's student; null where it sees the samples as they are. */
export function viewAnswersOf({ training, transfer, objective }: Plan): "replayed" | "online" | "clean" | null {
  if (!augmentationOf(training)) return null;
  if (!objectiveNeeds(objectiveOf(objective)).teacher) return null;
  return transfer.views?.answers ?? (transfer.pseudoLabels ? "clean" : "replayed");
}

/** @throws InputError for views that cannot be used with the rest of the recipe */
export function checkViews(plan: Plan): void {
  const { training, transfer, teacher, objective } = plan;
  const answers = viewAnswersOf(plan);
  if (transfer.views && answers === null)
    throw new InputError({
      code: "option-conflict",
      where: "transfer.views",
      found: "they set what the teacher answers for random views, and there are no views",
      cure: "Set training.augment and an objective with a teacher, or remove them",
    });
  if (transfer.views?.count !== undefined && answers !== "replayed")
    throw new InputError({
      code: "option-conflict",
      where: "transfer.views.count",
      found: `views are counted where they are replayed, and answers is ${answers}`,
      cure: "Remove count, or set answers to replayed",
    });
  if (answers === null) return;
  const augmentation = augmentationOf(training);
  const layers = objectiveLayers(objectiveOf(objective)).length > 0;
  if (answers !== "clean") {
    const none = cannotAnswer(teacher);
    if (none)
      throw new InputError({
        code: "option-conflict",
        where: "transfer.views.answers",
        found: `${answers} asks the teacher about new views, and ${none.reason}`,
        cure: `${none.cure}, or set answers to clean`,
      });
    if (answers === "online" && "url" in teacher)
      throw new InputError({
        code: "option-conflict",
        where: "transfer.views.answers",
        found: "an endpoint is too slow to be asked at every step",
        cure: "Set it to replayed, which asks once for each view",
      });
    if (transfer.pseudoLabels)
      throw new InputError({
        code: "option-conflict",
        where: "transfer.views.answers",
        found: `pseudo-labels come from unchanged samples, and answers is ${answers}`,
        cure: "Set it to clean",
      });
  } else if (layers)
    throw new InputError({
      code: "option-conflict",
      where: "transfer.views.answers",
      found: "losses between layers compare values of one image, and clean keeps those of the unchanged one",
      cure: "Set it to replayed or online",
    });
  else if (augmentation && mixes(augmentation) && "group" in teacher && teacher.combine === "mean-losses")
    throw new InputError({
      code: "option-conflict",
      where: "training.augment",
      found: "mixup and cutmix blend the teacher's answers, and mean-losses keeps those of each teacher",
      cure: "Set combine: mean-probabilities",
    });
}

/** Why a teacher cannot be asked about views, and what to do; null where it can. */
function cannotAnswer(teacher: Plan["teacher"]): { readonly reason: string; readonly cure: string } | null {
  const model = "Give a model or a file";
  if ("labelStore" in teacher) return { reason: "teacher.label_store only holds answers", cure: model };
  if (!("group" in teacher)) return null;
  const { group, combine, weights } = teacher;
  if (combine === "mean-losses" || combine === "draw")
    return {
      reason: `${combine} keeps the answers of each teacher`,
      cure: "Set combine to mean-probabilities, mean-logits or merge",
    };
  if (weights === "confidence")
    return { reason: "weights by confidence are those of the unchanged samples", cure: "Give fixed weights" };
  const odd = group.findIndex((member) => !("model" in member || "file" in member));
  return odd < 0 ? null : { reason: `teacher ${odd + 1} of the group is neither a model nor a file`, cure: model };
}

/** Mixup and cutmix go with losses that take labels by their shares. @throws InputError naming the loss that does not */
export function checkBlends({ training, objective }: Plan): void {
  const augmentation = augmentationOf(training);
  if (!augmentation || !mixes(augmentation)) return;
  const loss = refusesBlends(objectiveOf(objective)) ?? refusesBlends(baselineObjectiveOf(objective));
  if (loss === null) return;
  throw new InputError({
    code: "option-conflict",
    where: "training.augment",
    found: `mixup and cutmix blend two samples, and ${loss} needs one right class per sample`,
    cure: "Use another loss, or remove mixup and cutmix",
  });
}

/** Which views an arm's teacher labels to be replayed; null when it labels none. */
export function viewPlanOf({ plan, transfer }: Pick<Arm, "plan" | "transfer">): ViewPlan | null {
  if (viewAnswersOf(plan) !== "replayed") return null;
  const { training } = plan;
  const settings = settingsOf(training, transfer.length, 0, { threads: 1, device: "cpu" });
  const { stepsPerEpoch } = planBatches(transfer.length, settings.batch, settings.accumulate);
  const epochs = Math.ceil(settings.steps / stepsPerEpoch);
  return {
    augmentation: settings.augmentation as Augmentation,
    seed: plan.seed,
    count: plan.transfer.views?.count ?? Math.min(MOST_VIEWS, epochs),
    samples: transfer,
  };
}

/** Labels the views that an arm's student will see, or keeps the way to ask about them later. */
export async function prepareViews(
  arm: Arm,
  data: DataSet,
  teacher: Teacher,
  open: () => Promise<Teacher>,
  { folder, options }: { readonly folder: string; readonly options: LabelOptions },
): Promise<ReadyViews | undefined> {
  if (viewAnswersOf(arm.plan) === "online") return { kind: "online", open };
  const viewPlan = viewPlanOf(arm);
  if (!viewPlan) return undefined;
  const known = fingerprint(viewsHash(data, viewPlan), teacher.hash, teacher.preprocessing, options.precision, [
    teacher.features?.length ? teacher.features : null,
  ]);
  const store = await openViewStore(join(folder, `views-${known.slice(0, 12)}`), teacher, data, viewPlan, options);
  return { kind: "replayed", store };
}
