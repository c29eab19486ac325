/** Pseudo-labels whose filter keeps almost nothing, or keeps wrong labels. Xie et al., CVPR 2020. */
import { logProbabilities } from "../../learn/evaluate/metrics.js";
import { maxOf } from "../../base/extremes.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import { spread } from "./spread.js";
import { type Check, type Finding, fine, type Patient, skipped } from "./types.js";

const CHECK = "pseudo-labels";
/** Unlabelled samples that the teacher is asked about. */
const ASKED = 1000;
/** Fewer samples say nothing. */
const FEWEST = 50;
/** Share of the unlabelled samples that pass the filter: below, the student learns from labels alone. */
const NOTHING = 0.05;
/** Above, the filter is none. */
const EVERYTHING = 0.99;
/** Share of what passes that may be wrong, on labelled validation samples, before a filter that stops nothing is a mistake. */
const WRONG = 0.05;
/** Share of the samples that advice lets through. */
const KEPT = 0.5;

/** Asks the teacher about samples that it would label. */
export const pseudoLabelled: Check = async (patient) => {
  const { plan, teacher, loaded } = patient;
  const options = plan.transfer.pseudoLabels;
  if (!options) return [skipped(CHECK, "the recipe does not use pseudo-labels")];
  if (!teacher) return [skipped(CHECK, "the teacher's answers are not available")];
  const { transfer, labelled } = expandArms(plan, loaded)[0] as Arm;
  const known = new Set(labelled);
  const asked = spread(
    transfer.filter((i) => !known.has(i)),
    ASKED,
  );
  if (asked.length < FEWEST) return [skipped(CHECK, `it needs ${FEWEST} unlabelled samples, found ${asked.length}`)];
  const { classes, kind } = teacher;
  const sure = surest({ values: await teacher.answer(asked), kind, classes });
  const least = options.minConfidence;
  const share = passing(sure, least);
  const found = `the teacher's most likely class has a probability of ${least} or more for ${(100 * share).toFixed(1)} % of ${asked.length} unlabelled samples`;
  const other = floored(sure[Math.floor((1 - KEPT) * sure.length)] as number);
  const change = `--set transfer.pseudo_labels.min_confidence=${other} keeps ${(100 * passing(sure, other)).toFixed(0)} % of them; or use a better teacher`;
  if (share < NOTHING) return [warned(found, "almost only labelled samples are left to learn from", change)];
  const wrong = wrongAmong(patient, least);
  if (wrong === null || share <= EVERYTHING || wrong.share <= WRONG) return [fine(CHECK, found)];
  return [
    warned(
      `${found}; it is wrong for ${(100 * wrong.share).toFixed(1)} % of the ${wrong.passed} labelled validation samples that pass the filter`,
      "the filter drops almost nothing, so the teacher's mistakes become labels",
      change,
    ),
  ];
};

/** How many of the labelled validation samples that pass are wrong; null where they are too few to tell. */
function wrongAmong(
  { answers, loaded: { data, splits } }: Patient,
  least: number,
): { share: number; passed: number } | null {
  if (!answers || data.classes.length !== answers.classes) return null;
  const validation = new Set(splits.validation);
  let [passed, wrong] = [0, 0];
  for (const [row, sample] of answers.indices.entries()) {
    const label = data.labels?.[sample] ?? -1;
    if (label < 0 || !validation.has(sample)) continue;
    const logs = logProbabilities(answers.values, row, answers.classes, answers.kind);
    const top = maxOf(logs);
    if (Math.exp(top) < least) continue;
    passed++;
    wrong += Number(logs.indexOf(top) !== label);
  }
  return passed >= FEWEST ? { share: wrong / passed, passed } : null;
}

/** Probability of each sample's best class at T = 1, ascending. */
function surest({
  values,
  kind,
  classes,
}: {
  values: Float32Array;
  kind: "logits" | "probabilities";
  classes: number;
}) {
  const top = (_: unknown, row: number): number => Math.exp(maxOf(logProbabilities(values, row, classes, kind)));
  return Float64Array.from({ length: values.length / classes }, top).sort();
}

const passing = (sure: Float64Array, least: number): number => sure.filter((p) => p >= least).length / sure.length;

/** Cut to three digits, never rounded up: so many samples still pass. */
const floored = (p: number): number => Math.floor(p * 1000) / 1000;

const warned = (found: string, why: string, change: string): Finding => ({
  check: CHECK,
  status: "warn",
  found,
  why,
  change,
});
