/** Reference kernels of comparisons and logic. */
import { readInt } from "../../../../../src/engine/graph/attributes.js";
import { type Kernel, type KernelTable, mapBroadcast, need } from "./kernel.js";

const compare =
  (f: (a: number, b: number) => boolean): Kernel =>
  (inputs) => [mapBroadcast("bool", [need(inputs, 0), need(inputs, 1)], (a, b) => Number(f(a as number, b as number)))];

export const comparisonKernels: KernelTable = {
  Equal: compare((a, b) => a === b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Xor: compare((a, b) => (a !== 0) !== (b !== 0)),
  Not: (inputs) => [mapBroadcast("bool", [need(inputs, 0)], (a) => Number(a === 0))],
  IsNaN: (inputs) => [mapBroadcast("bool", [need(inputs, 0)], (a) => Number(Number.isNaN(a)))],
  IsInf: (inputs, attributes) => {
    const negative = readInt(attributes, "detect_negative", 1) === 1;
    const positive = readInt(attributes, "detect_positive", 1) === 1;
    return [
      mapBroadcast("bool", [need(inputs, 0)], (a) =>
        Number((a === Number.NEGATIVE_INFINITY && negative) || (a === Number.POSITIVE_INFINITY && positive)),
      ),
    ];
  },
};
