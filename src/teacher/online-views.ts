/** Views that a teacher is asked about in training: consistent teaching without a store. Beyer et al., CVPR 2022. */
import type { Augmentation, DataSet } from "../data/types.js";
import { drawnViews } from "../data/views.js";
import type { TrainingViews } from "../train/types.js";
import { fullAnswers } from "./answers.js";
import type { Teacher } from "./types.js";

/**
 * Draws the views of a training and asks the teacher about each of them.
 * @param seed of the draws
 * @param samples those trained on: they may be blended into each other
 */
export function onlineViews(
  teacher: Teacher,
  data: DataSet,
  augmentation: Augmentation,
  seed: number,
  samples: Uint32Array,
): TrainingViews {
  return {
    ...drawnViews(data, augmentation, seed, samples),
    async answers({ length }, _, rendered) {
      const batch = { ...data, size: length, samples: rendered, fill: undefined, labels: null };
      return fullAnswers(
        teacher,
        batch,
        Uint32Array.from({ length }, (_, i) => i),
      );
    },
  };
}
