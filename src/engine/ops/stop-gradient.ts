/** The value itself, but a constant to whoever asks for a gradient. */
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import type { OpDefinition } from "./definition.js";
import { required, typeOf } from "./support.js";

export const stopGradientOps: readonly OpDefinition[] = [
  {
    op: "StopGradient",
    domain: ABSTRACT_DOMAIN,
    infer: (call) => {
      const x = required(call, 0);
      return [typeOf(x.dtype, x.shape)];
    },
    gradient: "zero",
    lower: (call, b) => [b.op("Identity", [required(call, 0)])],
    note: "treats a peer's output as a constant",
  },
];
