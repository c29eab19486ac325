/** From errors under corruptions to the figures of a summary. */
import { type Aggregate, meanInterval } from "../interval.js";
import type { MeasuredModel, RobustnessRow, RobustnessSummary, SeedErrors } from "./types.js";

/**
 * Mean corruption error, the mean over corruptions c of sum_s E(c, s) / sum_s R(c, s), s the severities (Hendrycks & Dietterich
 * 2019, section 4.1, there with AlexNet as reference and in percent).
 * @param errors E [corruption][severity]
 * @param reference R, of the reference model
 * @returns null when the reference makes no error at all; corruptions under which it makes none are left out
 */
export function meanCorruptionError(
  errors: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
): number | null {
  const ratios = errors.flatMap((own, c) => {
    const base = total(reference[c] as readonly number[]);
    return base > 0 ? [total(own) / base] : [];
  });
  return ratios.length > 0 ? mean(ratios) : null;
}

/**
 * Means with intervals over the seeds of every model.
 * @param reference id of the model to compare with (its errors are the means over its seeds); null: there is no mCE
 */
export function summariseErrors(
  settings: Pick<RobustnessSummary, "corruptions" | "severities" | "samples" | "seed" | "range">,
  models: readonly MeasuredModel[],
  reference: string | null,
  notes: readonly string[] = [],
): RobustnessSummary {
  const base = models.find((m) => m.id === reference);
  const known = base && meanErrors(base.seeds);
  return {
    ...settings,
    reference: base?.id ?? null,
    leftOut: settings.corruptions.filter((_, c) => known && total(known[c] as readonly number[]) === 0),
    models: models.map((m) => rowOf(m, known)),
    notes,
  };
}

/** [corruption][severity], the mean over seeds. */
export function meanErrors(seeds: readonly SeedErrors[]): number[][] {
  const [first] = seeds as readonly [SeedErrors];
  return first.errors.map((row, c) => row.map((_, s) => mean(seeds.map(({ errors }) => errors[c]?.[s] as number))));
}

function rowOf(
  { id, role, seeds }: MeasuredModel,
  reference: readonly (readonly number[])[] | undefined,
): RobustnessRow {
  const over = (of: (errors: readonly (readonly number[])[]) => number): Aggregate =>
    meanInterval(seeds.map((s) => of(s.errors)));
  const relative = reference ? seeds.map((s) => meanCorruptionError(s.errors, reference)) : [];
  const ratios = relative.filter((v) => v !== null);
  return {
    id,
    role,
    clean: meanInterval(seeds.map((s) => s.clean)),
    errors: (seeds[0]?.errors ?? []).map((_, c) => over((errors) => mean(errors[c] as readonly number[]))),
    meanError: over((errors) => mean(errors.map(mean))),
    mCE: ratios.length > 0 ? meanInterval(ratios) : null,
    seeds,
  };
}

const total = (values: readonly number[]): number => values.reduce((a, v) => a + v, 0);
const mean = (values: readonly number[]): number => total(values) / values.length;
