/** Schedules of weights, alpha and temperatures: a factor over the training that multiplies the number it stands beside. */
import { checkNumber, fieldOf, invalidOption, WHOLE } from "./options.js";

const STAYS_ABOVE_ZERO = "a number above 0, because a temperature never reaches 0";

/** Places in the training are fractions of it: 0 is the first step, 1 the end. */
export type FactorSchedule =
  | { readonly kind: "constant" }
  /** From `from` (default 0) to `to` (default 1) between `begin` (0) and `end` (1); flat before and after. */
  | RampSchedule
  /** From 1 / steps up to 1 over so many steps. */
  | { readonly kind: "warm-up"; readonly steps: number }
  /** 1, multiplied by `gamma` after each of these fractions of the training. */
  | { readonly kind: "step"; readonly gamma: number; readonly milestones: readonly number[] };

export interface RampSchedule {
  /** "cosine" starts and ends gently: (1 - cos(pi x)) / 2 in the place of x. */
  readonly kind: "linear" | "cosine";
  readonly from?: number;
  readonly to?: number;
  readonly begin?: number;
  readonly end?: number;
}

/** A scalar input of the step that changes: offset + gain * factor. */
export interface ScalarCurve {
  readonly offset: number;
  readonly gain: number;
  readonly schedule: FactorSchedule;
}

/** The factor at a step (from 0) of a training of so many steps. */
export function factorAt(schedule: FactorSchedule, step: number, steps: number): number {
  if (schedule.kind === "constant") return 1;
  if (schedule.kind === "warm-up") return Math.min(1, (step + 1) / Math.max(1, schedule.steps));
  const place = steps > 1 ? step / (steps - 1) : 1;
  if (schedule.kind === "step") {
    // As the learning rate's milestones: the fraction of the steps that lie behind.
    const behind = schedule.milestones.filter((m) => step >= m * steps).length;
    return schedule.gamma ** behind;
  }
  const { from = 0, to = 1, begin = 0, end = 1 } = schedule;
  const x = place <= begin ? 0 : place >= end ? 1 : (place - begin) / (end - begin);
  return from + (to - from) * (schedule.kind === "linear" ? x : (1 - Math.cos(Math.PI * x)) / 2);
}

/** The value of a scalar at a step. */
export function curveAt({ offset, gain, schedule }: ScalarCurve, step: number, steps: number): number {
  return offset + gain * factorAt(schedule, step, steps);
}

/** Whether a schedule's factor is 0 in the whole training, whatever its length. */
export function isAlwaysZero(schedule: FactorSchedule | undefined): boolean {
  if (schedule?.kind !== "linear" && schedule?.kind !== "cosine") return false;
  return (schedule.from ?? 0) === 0 && (schedule.to ?? 1) === 0;
}

/**
 * @param positive refuses schedules that reach 0 (a temperature may not)
 * @throws InputError naming the field
 */
export function checkSchedule(schedule: FactorSchedule | undefined, field: string, positive = false): void {
  if (!schedule) return;
  const number = (name: string, value: number, low: number, high: number): void => {
    if (!(value >= low && value <= high && Number.isFinite(value)))
      throw invalidOption(
        fieldOf(field, name),
        value,
        high < Number.MAX_VALUE ? `a number from ${low} to ${high}` : `a number of at least ${low}`,
      );
  };
  switch (schedule.kind) {
    case "constant":
      return;
    case "warm-up":
      checkNumber(field, "steps", schedule.steps, WHOLE);
      return;
    case "step":
      number("gamma", schedule.gamma, 0, Number.MAX_VALUE);
      for (const m of schedule.milestones) number("milestones", m, 0, 1);
      if (positive && schedule.gamma === 0) throw invalidOption(`${field}.gamma`, 0, STAYS_ABOVE_ZERO);
      return;
    case "linear":
    case "cosine": {
      const { from = 0, to = 1, begin = 0, end = 1 } = schedule;
      number("from", from, 0, Number.MAX_VALUE);
      number("to", to, 0, Number.MAX_VALUE);
      number("begin", begin, 0, 1);
      number("end", end, 0, 1);
      if (begin >= end) throw invalidOption(`${field}.end`, end, `a number above begin, ${begin}`);
      if (positive && (from === 0 || to === 0))
        throw invalidOption(
          `${field}.${from === 0 ? "from" : "to"}`,
          0,
          STAYS_ABOVE_ZERO,
          "Write both from and to: from is 0 by default",
        );
      return;
    }
    default:
      throw invalidOption(
        `${field}.kind`,
        (schedule as { kind: string }).kind,
        "constant, linear, cosine, warm-up or step",
      );
  }
}
