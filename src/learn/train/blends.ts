/** What a teacher says of a blend of two samples when it only saw them unblended. */
import type { BlendedWith } from "../data/views.js";
import { logProbabilities } from "../evaluate/metrics.js";
import type { TeacherOutputs } from "../teacher/taught.js";

/**
 * share p(x) + (1 - share) p(x'), as mixup treats labels: Zhang et al., ICLR 2018, equation 1. A mean of logits would be the
 * answer to nothing.
 * @returns probabilities [indices.length, classes]
 */
export function blendedAnswers(
  teacher: Pick<TeacherOutputs, "kind" | "gather">,
  indices: Uint32Array,
  { partners, shares }: BlendedWith,
  classes: number,
): Float32Array {
  const own = new Float32Array(indices.length * classes);
  const other = new Float32Array(own.length);
  teacher.gather(indices, own);
  teacher.gather(partners, other);
  const row = new Float64Array(classes);
  const out = new Float32Array(own.length);
  indices.forEach((_, i) => {
    const share = shares[i] as number;
    for (const [values, part] of [
      [own, share],
      [other, 1 - share],
    ] as const) {
      logProbabilities(values, i, classes, teacher.kind, 1, row);
      for (let c = 0; c < classes; c++)
        out[i * classes + c] = (out[i * classes + c] as number) + part * Math.exp(row[c] as number);
    }
  });
  return out;
}
