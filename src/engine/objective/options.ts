/** Checks of a loss's options. Fields are named as in a recipe, whoever wrote them. */
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";

/** Numbers that options expect, in the words of a recipe's own checks. */
export const FROM_ZERO = "a number of at least 0";
export const WHOLE = "a whole number of at least 1";
export const FRACTION = "a number from 0 to 1";

const CHECKS: Readonly<Record<string, (value: number) => boolean>> = {
  [FROM_ZERO]: (v) => Number.isFinite(v) && v >= 0,
  [WHOLE]: (v) => Number.isInteger(v) && v >= 1,
  [FRACTION]: (v) => v >= 0 && v <= 1,
};

/** A field of the objective in the recipe's spelling: "objective.student_loss.class_weights". */
export function fieldOf(parent: string, name: string): string {
  return `${parent}.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/** The error for an option's value. @param where the field, as `fieldOf` gives it */
export function invalidOption(where: string, value: unknown, expected: string, cure?: string): InputError {
  return new InputError({ code: "option-invalid", where, found: `found ${quote(value)}`, expected, cure });
}

/** Checks that an option is one of the kinds of numbers above. @throws InputError naming the field */
export function checkNumber(parent: string, name: string, value: number, expected: string): void {
  if (!(typeof value === "number" && CHECKS[expected]?.(value)))
    throw invalidOption(fieldOf(parent, name), value, expected);
}

/** The error for options that exclude each other, or that mean nothing beside the rest. */
export function conflict(where: string, found: string, cure: string): InputError {
  return new InputError({ code: "option-conflict", where, found, cure });
}

/** The error for a loss that `evaluateObjective` cannot compute. @param reason a clause */
export function onlyInTraining(reason: string): InputError {
  return new InputError({
    code: "option-invalid",
    where: "objective.terms",
    found: reason,
    expected: "losses of outputs and labels outside a training",
    cure: "Remove the term",
  });
}
