/** The score that chooses among weights, and how it is written. */

/** Accuracy where there are labels; without them, how well a student follows its teacher. */
export type ScoreMetric = "accuracy" | "agreement" | "cosine";

/** Whether it is a share of the samples, which is written as percent. */
const isShare = (metric: ScoreMetric): boolean => metric === "accuracy" || metric === "agreement";

/** "94.4 %"; of a cosine "0.944". */
export function scoreText(metric: ScoreMetric, value: number, digits = 1): string {
  return isShare(metric) ? `${(100 * value).toFixed(digits)} %` : value.toFixed(digits + 2);
}
