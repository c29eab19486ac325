/** What a student's random views have to do with its teacher: labelled, or asked online. What excludes what is in rules/. */
import type { ReadyViews } from "../students/training-views.js";
import { join } from "node:path";
import type { Augmentation, DataSet } from "../../learn/data/types.js";
import { objectiveNeeds } from "../../engine/objective/objective.js";
import { augmentationOf, objectiveOf, settingsOf } from "../recipe/resolve.js";
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
