/** Views that a teacher is asked about in training: consistent teaching without a store. Beyer et al., CVPR 2022. */
import type { Augmentation, DataSet } from "../../data/types.js";
import { drawnViews } from "../../data/views.js";
import type { TrainingViews } from "../taught.js";
import { fullAnswers } from "../answers.js";
import { groupViewAnswers } from "../group/group-teacher.js";
import type { Teacher } from "../types.js";

/**
 * Draws the views of a training and asks the teacher about each of them.
 * @param seed of the draws
 * @param samples those trained on: they may be blended into each other
 * @param signal stops a teacher that lets the training wait
 */
export function onlineViews(
  teacher: Teacher,
  data: DataSet,
  augmentation: Augmentation,
  seed: number,
  samples: Uint32Array,
  signal?: AbortSignal,
): TrainingViews {
  return {
    ...drawnViews(data, augmentation, seed, samples),
    async answers(samples, _, rendered, step) {
      const { length } = samples;
      const batch = { ...data, size: length, samples: rendered, fill: undefined, labels: null };
      const indices = Uint32Array.from({ length }, (_, i) => i);
      if (!teacher.group) return fullAnswers(teacher, batch, indices, signal);
      // Those in training may all be used: they are the fit's own.
      const labels = Int32Array.from(samples, (i) => data.labels?.[i] ?? -1);
      return groupViewAnswers(teacher.group, { data: batch, indices, labels, seed, step, signal });
    },
  };
}
