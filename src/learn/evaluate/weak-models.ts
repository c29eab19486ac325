/** Warnings about models whose accuracy misleads: they name one class alone, or do no better than chance or than the largest class. */
import { type ChanceCheck, checkChance, isImbalanced, type OneAnswer, oneAnswer } from "./chance.js";
import { meanInterval } from "./interval.js";
import type { TestScores } from "./scores.js";
import type { ModelRow } from "./summary.js";

/** One model with one seed. */
export interface ScoredSeed {
  readonly seed: number;
  readonly scored: TestScores;
}

/** Whether no seed of a model is better than chance; false where nothing can be said. */
export function isAtChance({ seeds }: Pick<ModelRow, "seeds">): boolean {
  return seeds.length > 0 && seeds.every((s) => s.aboveChance === false);
}

/**
 * @param model its name, for the sentences
 * @param classes class names by index
 * @param part of the data that the samples are of
 */
export function weaknesses(
  model: string,
  seeds: readonly ScoredSeed[],
  classes: readonly string[],
  part: "test" | "validation" = "test",
): string[] {
  const looked = seeds.map(({ seed, scored }): Looked => {
    const counts = scored.counts ?? scored.againstTeacher;
    const alone = counts && oneAnswer(counts);
    return { seed, scored, alone, check: scored.counts && checkChance(scored.counts) };
  });
  const about = { model, classes, part, seeds: seeds.length };
  const alone = looked.filter((s): s is Alone => s.alone !== null);
  const named = [...new Set(alone.map((s) => s.alone.class))];
  const others = looked.filter((s): s is Checked => s.alone === null && s.check !== null);
  const chance = others.filter((s) => !s.check.above);
  const below = others.filter((s) => s.check.above && !s.check.beatsLargest);
  return [
    ...named.map((c) => {
      const own = alone.filter((s) => s.alone.class === c);
      return aloneSaid(about, own);
    }),
    ...(chance.length > 0 ? [chanceSaid(about, chance)] : []),
    ...(below.length > 0 ? [belowSaid(about, below)] : []),
  ];
}

interface About {
  readonly model: string;
  readonly classes: readonly string[];
  readonly part: string;
  /** Seeds of the model. */
  readonly seeds: number;
}
interface Looked extends ScoredSeed {
  readonly alone: OneAnswer | null;
  readonly check: ChanceCheck | null;
}
type Checked = Looked & { readonly check: ChanceCheck };
type Alone = Looked & { readonly alone: OneAnswer };

function aloneSaid(about: About, seeds: readonly Alone[]): string {
  const { model, classes } = about;
  const [{ alone, scored }] = seeds as readonly [Alone];
  const name = quoted(classes, alone.class);
  const share = meanOf(seeds, (s) => s.alone.share);
  const samples = scored.answers.length.toLocaleString("en-US");
  const all = seeds.every((s) => s.alone.share === 1);
  const head = `${model}: it predicts ${name} for ${all ? `all ${samples}` : `${percent(share)} of the ${samples}`} ${about.part} samples${seedsSaid(about, seeds)}`;
  const checked = seeds.filter((s): s is Alone & Checked => s.check !== null);
  if (checked.length === 0) return `${head}.`;
  const own = percent(alone.labelled);
  const accuracy = percent(meanOf(checked, (s) => s.check.accuracy));
  return `${head}. Only ${own} of them belong to that class. Its accuracy is ${accuracy}, and ${balancedSaid(checked)}. ${cure(seeds)}`;
}

function chanceSaid(about: About, seeds: readonly Checked[]): string {
  const accuracy = percent(meanOf(seeds, (s) => s.check.accuracy));
  return `${about.model}: it is no better than chance on the ${about.part} samples${seedsSaid(about, seeds)}. Its accuracy is ${accuracy}, and ${balancedSaid(seeds)}. ${largestSaid(about, seeds)}. ${cure(seeds)}`;
}

function belowSaid(about: About, seeds: readonly Checked[]): string {
  const accuracy = percent(meanOf(seeds, (s) => s.check.accuracy));
  return `${about.model}: its accuracy of ${accuracy} is not above that of a constant answer${seedsSaid(about, seeds)}. ${largestSaid(about, seeds)}. The model does tell the classes apart: ${balancedSaid(seeds)}. Judge it by the recall of every class.`;
}

function largestSaid({ classes }: About, [first]: readonly Checked[]): string {
  const { largest, largestShare } = (first as Checked).check;
  return `Always predicting the largest class, ${quoted(classes, largest)}, has an accuracy of ${percent(largestShare)}`;
}

function balancedSaid(seeds: readonly Checked[]): string {
  return `its balanced accuracy is ${percent(meanOf(seeds, (s) => s.check.balanced))}`;
}

function cure([first]: readonly ScoredSeed[]): string {
  const supports = (first as ScoredSeed).scored.counts?.labels ?? [];
  return isImbalanced(supports)
    ? "Add samples of the rare classes, or repeat the ones you have."
    : "Train it longer, or check the labels and the learning rate.";
}

function seedsSaid({ seeds }: About, own: readonly ScoredSeed[]): string {
  if (seeds === 1) return "";
  if (own.length === seeds) return " (every seed)";
  return ` (${own.length === 1 ? "seed" : "seeds"} ${own.map((s) => s.seed).join(", ")})`;
}

const quoted = (classes: readonly string[], c: number): string => `"${classes[c] ?? c}"`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const meanOf = <T>(seeds: readonly T[], of: (s: T) => number): number => meanInterval(seeds.map(of)).mean;
