/** Holds errors to their parts: code, place and what was found. Sentences may change, these may not. */
import assert from "node:assert/strict";
import { type ErrorCode, type Fault, faultOf, InputError } from "../../src/errors.js";

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
