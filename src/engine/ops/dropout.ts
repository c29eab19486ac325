/** Dropout and stochastic depth in inference form: nothing happens. Training multiplies by a fed mask (compile/training-mode.ts). */
import { numbersOf } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import type { OpDefinition } from "./definition.js";
import { required, typeOf, unsupported } from "./support.js";

export const dropoutOps: readonly OpDefinition[] = [
  {
    op: "Dropout",
    infer: (call) => {
      const mode = call.constants[2];
      if (mode && numbersOf(mode)[0] !== 0)
        throw unsupported(
          call,
          "training_mode is true, and a student's graph must be in inference form",
          "Export the model for inference; limbeck itself drops values while it trains",
        );
      const x = required(call, 0);
      return [typeOf(x.dtype, x.shape), typeOf("bool", x.shape)];
    },
    gradient: (c) => [c.gradients[0]],
    note: "inference form",
  },
  {
    // What a block of a residual network adds. Attributes: rate, and rows, how many rows of the first dimension a sample has.
    op: "DropPath",
    domain: ABSTRACT_DOMAIN,
    infer: (call) => {
      const x = required(call, 0);
      return [typeOf(x.dtype, x.shape)];
    },
    gradient: (c) => [c.gradients[0]],
    lower: (call, b) => [b.op("Identity", [required(call, 0)])],
    note: "stochastic depth, inference form",
  },
];
