/** Random views ready for a student's training: replayed from a store, or asked about in every step. */
import type { TrainingViews } from "../../learn/teacher/taught.js";
import type { Augmentation, DataSet } from "../../learn/data/types.js";
import { onlineViews } from "../../learn/teacher/store/online-views.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { type ViewStore, viewsHash } from "../../learn/teacher/store/view-store.js";
import type { TrainingSettings } from "../../learn/train/types.js";

/** A teacher that answers for views: a store of them, or a way to open it again. */
export type ReadyViews =
  | { readonly kind: "replayed"; readonly store: ViewStore }
  | { readonly kind: "online"; readonly open: () => Promise<Teacher> };

/** What a training with views depends on, besides its settings. */
export function viewsIdentity(data: DataSet, views: ReadyViews | undefined): unknown {
  return views && (views.kind === "online" ? "online" : ["replayed", viewsHash(data, views.store.plan)]);
}

/** The views of one training; `dispose` when it is over. */
export async function openTrainingViews(
  views: ReadyViews,
  data: DataSet,
  { augmentation, seed }: Pick<TrainingSettings, "augmentation" | "seed">,
  samples: Uint32Array,
  signal?: AbortSignal,
): Promise<{ readonly views: TrainingViews; dispose(): Promise<void> }> {
  if (views.kind === "replayed") return { views: views.store, dispose: async () => {} };
  const teacher = await views.open();
  return {
    views: onlineViews(teacher, data, augmentation as Augmentation, seed, samples, signal),
    dispose: () => teacher.dispose(),
  };
}
