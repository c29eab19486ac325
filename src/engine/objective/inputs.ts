/** Inputs of a loss, made of the objective's. */
import type { LossInputs } from "./types.js";

/** The inputs with some of them replaced. What is read on demand stays so: inputs that no loss reads are never made. */
export function derived(inputs: LossInputs, replaced: Partial<LossInputs>): LossInputs {
  return Object.create(inputs, Object.getOwnPropertyDescriptors(replaced));
}
