/** What a model's builder refuses: samples of another shape, options out of range. */
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";

/** The error for samples that an architecture cannot take. @param shape with the batch first */
export function samplesMisfit(shape: readonly number[], expected: string, cure: string): InputError {
  const found = `the samples have the shape [${shape.slice(1)}]`;
  return new InputError({ code: "model-input", where: "model", found, expected, cure });
}

/** The error for an option of an architecture. */
export function modelOption(name: string, value: unknown, expected: string): InputError {
  return new InputError({ code: "option-invalid", where: `model.${name}`, found: `found ${quote(value)}`, expected });
}
