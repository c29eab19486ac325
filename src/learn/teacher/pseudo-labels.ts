/**
 * Pseudo-labels: what a student learns of samples whose labels it may not use, and which of them it sees. Xie, Luong, Hovy
 * & Le, CVPR 2020 (noisy student), arXiv:1911.04252, section 3.
 */
import { InputError } from "../../base/errors.js";
import { logProbabilities, type OutputKind } from "../evaluate/metrics.js";
import { maxOf } from "../../base/extremes.js";

export interface PseudoLabelOptions {
  /** The teacher's probabilities, or 1 for its best class. */
  readonly kind: "soft" | "hard";
  /** A sample whose best class has a lower probability is left out, in [0, 1]. */
  readonly minConfidence: number;
  /** As many samples of each class as the mean class has. */
  readonly balance: boolean;
}

export interface PseudoLabels {
  /** Samples to train on: labelled ones first, then the chosen others; a class with too few has some several times. */
  readonly samples: Uint32Array;
  /**
   * Probabilities [answers.length / classes, classes] by sample: one-hot where labelled (with "hard" in the whole transfer
   * set), the teacher's elsewhere.
   */
  readonly targets: Float32Array;
  /** How many samples had no usable label; how many of them were sure enough; how many stand in `samples`, copies counted. */
  readonly counts: { readonly unlabelled: number; readonly confident: number; readonly chosen: number };
}

/** A teacher's answers for the samples of a data set, in memory or not. */
export interface GatheredAnswers {
  readonly kind: OutputKind;
  /** Copies the rows of these samples. */
  gather(indices: Uint32Array, out: Float32Array): void;
}

/** Which samples a student sees, and which of them have a target of one class. */
export interface ChosenLabels extends Pick<PseudoLabels, "samples" | "counts"> {
  /** The class of each sample of the data whose target is that class alone; -1 where it is the teacher's answer. */
  readonly certain: Int32Array;
}

/**
 * Labels what has no label, leaves out what the teacher is unsure about, and balances the classes.
 *
 * Balancing brings each class that the teacher names at all to the mean number: the samples it is surest about of a frequent
 * class, all samples of a rare class again and again, the surest first.
 * @param answers of the teacher for every sample of the data, [samples, classes]
 * @param transfer samples the student may see
 * @param labels class of each sample, -1 where there is none or it may not be used
 * @throws InputError when no sample is left
 */
export function pseudoLabels(
  { kind, values }: { readonly kind: OutputKind; readonly values: Float32Array },
  classes: number,
  transfer: Uint32Array,
  labels: ArrayLike<number>,
  options: PseudoLabelOptions,
): PseudoLabels {
  const gather = (indices: Uint32Array, out: Float32Array): void => {
    for (const [i, sample] of indices.entries())
      out.set(values.subarray(sample * classes, (sample + 1) * classes), i * classes);
  };
  const chosen = choosePseudoLabels({ kind, gather }, classes, transfer, labels, options);
  const targets = values.slice();
  fillTargets(
    kind,
    classes,
    chosen.certain,
    Uint32Array.from({ length: values.length / classes }, (_, i) => i),
    targets,
  );
  return { samples: chosen.samples, targets, counts: chosen.counts };
}

/** Turns the teacher's outputs for these samples, `rows`, into their targets. */
export function fillTargets(
  kind: OutputKind,
  classes: number,
  certain: Int32Array,
  indices: Uint32Array,
  rows: Float32Array,
): void {
  const log = new Float64Array(classes);
  for (const [i, sample] of indices.entries()) {
    const own = rows.subarray(i * classes, (i + 1) * classes);
    const only = certain[sample] as number;
    logProbabilities(own, 0, classes, kind, 1, log);
    if (only >= 0) own.fill(0)[only] = 1;
    else own.set(log.map(Math.exp));
  }
}

/** Samples looked at at a time. */
const PIECE = 256;

/** As `pseudoLabels`, of answers that need not be in memory together. */
export function choosePseudoLabels(
  answers: GatheredAnswers,
  classes: number,
  transfer: Uint32Array,
  labels: ArrayLike<number>,
  { kind, minConfidence, balance }: PseudoLabelOptions,
): ChosenLabels {
  const certain = new Int32Array(labels.length).fill(-1);
  const log = new Float64Array(classes);
  const byClass: { sample: number; confidence: number }[][] = Array.from({ length: classes }, () => []);
  const known: number[] = [];
  let unlabelled = 0;
  for (let from = 0; from < transfer.length; from += PIECE) {
    const part = transfer.subarray(from, from + PIECE);
    const rows = new Float32Array(part.length * classes);
    answers.gather(part, rows);
    for (const [i, sample] of part.entries()) {
      const label = labels[sample] as number;
      logProbabilities(rows, i, classes, answers.kind, 1, log);
      const top = maxOf(log);
      const best = log.indexOf(top);
      certain[sample] = label >= 0 ? label : kind === "hard" ? best : -1;
      if (label >= 0) {
        known.push(sample);
        continue;
      }
      unlabelled++;
      const confidence = Math.exp(top);
      if (confidence >= minConfidence) byClass[best]?.push({ sample, confidence });
    }
  }
  const confident = byClass.reduce((sum, own) => sum + own.length, 0);
  const chosen = balance ? balanced(byClass) : byClass.flat().map((s) => s.sample);
  // In the order of the data: which samples are seen must not hang on how they were found.
  const samples = Uint32Array.from([...known, ...chosen.sort((a, b) => a - b)]);
  if (samples.length === 0)
    throw new InputError({
      code: "budget-invalid",
      where: "transfer.pseudo_labels.min_confidence",
      found: `the teacher gives no sample's best class ${minConfidence} or more, and no sample is labelled`,
      cure: "Lower it",
    });
  return { samples, certain, counts: { unlabelled, confident, chosen: chosen.length } };
}

function balanced(byClass: readonly (readonly { sample: number; confidence: number }[])[]): number[] {
  const present = byClass.filter((own) => own.length > 0);
  const each = Math.round(present.reduce((sum, own) => sum + own.length, 0) / Math.max(1, present.length));
  return present.flatMap((own) => {
    const surest = [...own].sort((a, b) => b.confidence - a.confidence || a.sample - b.sample);
    return Array.from({ length: each }, (_, i) => (surest[i % surest.length] as { sample: number }).sample);
  });
}
