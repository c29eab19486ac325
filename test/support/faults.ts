/** Holds errors to their parts: code, place and what was found. Sentences may change, these may not. */
import assert from "node:assert/strict";
import { type ErrorCode, type Fault, faultOf, InputError } from "../../src/base/errors.js";

export interface ExpectedFault {
  readonly code: ErrorCode;
  /** The file or field: the whole of it, or its end. */
  readonly where?: string;
  /** Numbers and names that `found` must hold. */
  readonly found?: readonly (string | number)[];
  /** Names that the cure must hold. */
  readonly cure?: readonly string[];
}

/** For `assert.throws` and `assert.rejects`. */
export function faultLike(expected: ExpectedFault): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof InputError, `an InputError, not ${error}`);
    const fault = faultOf(error) as Fault;
    assert.equal(fault.code, expected.code, error.message);
    if (expected.where !== undefined)
      assert.ok(fault.where.endsWith(expected.where), `"${fault.where}" ends in "${expected.where}"`);
    for (const word of expected.found ?? [])
      assert.ok(fault.found.includes(String(word)), `"${word}" in "${fault.found}"`);
    for (const word of expected.cure ?? []) assert.ok(fault.cure?.includes(word), `"${word}" in "${fault.cure}"`);
    assert.ok(fault.expected || fault.cure, `it says what was expected or what to do: ${error.message}`);
    return true;
  };
}

/** For `throws` and `rejects`: a recipe is refused, and one of its details is about this field. */
export function inRecipe(where: string, code: ErrorCode, found: RegExp = /./, cure: RegExp | null = null) {
  return (error: unknown): true => {
    assert.ok(error instanceof InputError, String(error));
    assert.equal(error.code, "recipe-invalid", error.message);
    const detail = error.details?.find((d: Fault) => d.where === where);
    assert.ok(detail, `${where} is not among ${error.details?.map((d) => d.where).join(", ")}`);
    assert.equal(detail.code, code);
    assert.match(detail.found, found);
    if (cure) assert.match(detail.cure ?? "", cure);
    return true;
  };
}
