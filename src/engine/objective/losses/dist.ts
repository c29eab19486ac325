/** DIST: the relations between classes and between samples, by correlation. */

import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { constantLike, scale } from "../../ops/support.js";
import { checkNumber, conflict, FROM_ZERO, fieldOf } from "../options.js";
import { checkSoftening, logSides, type Softening, temperatureOf } from "../softening.js";
import type { LossDefinition } from "../types.js";

export interface DistConfig extends Softening {
  readonly kind: "dist";
  /** Weight of the term within each sample; default 1. */
  readonly rowWeight?: number;
  /** Weight of the term within each class; default 1. */
  readonly columnWeight?: number;
}

/**
 * T^2 [ b (1 - mean over samples of rho(p_s, p_t)) + g (1 - mean over classes of rho) ], rho the Pearson correlation of
 * the softened probabilities of a sample over the classes, of a class over the batch. Huang et al., NeurIPS 2022.
 * A constant row or column has correlation 0.
 */
export const dist: LossDefinition<DistConfig> = {
  name: "dist",
  needs: { teacher: true, labels: false },
  check(config, field) {
    checkSoftening(config, field);
    if (config.temperatureByConfidence)
      throw conflict(
        fieldOf(field, "temperatureByConfidence"),
        "dist compares a class over the samples of a batch, which must share one temperature",
        "Remove it",
      );
    for (const name of ["rowWeight", "columnWeight"] as const) checkNumber(field, name, config[name] ?? 1, FROM_ZERO);
  },
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "dist");
    const sides = logSides(inputs, config, "dist", temperature);
    const [s, t] = [b.op("Exp", [sides.student]), b.op("Exp", [sides.teacher])];
    const rows = scale(b, distance(b, s, t, 1), config.rowWeight ?? 1);
    const columns = scale(b, distance(b, s, t, 0), config.columnWeight ?? 1);
    return b.op("Mul", [b.op("Add", [rows, columns]), b.op("Mul", [temperature, temperature])]);
  },
};

/** 1 minus the mean Pearson correlation along an axis of two matrices. */
export function distance(b: GraphBuilder, s: Value, t: Value, axis: 0 | 1): Value {
  const along = b.constant(int64s([axis]));
  const centred = (x: Value): Value => b.op("Sub", [x, b.op("ReduceMean", [x, along], { keepdims: int(1) })]);
  const [cs, ct] = [centred(s), centred(t)];
  const norm = (x: Value): Value => b.op("ReduceL2", [x, along], { keepdims: int(0) });
  const product = b.op("ReduceSum", [b.op("Mul", [cs, ct]), along], { keepdims: int(0) });
  const norms = b.op("Mul", [norm(cs), norm(ct)]);
  // The authors' guard: a constant row divides 0 by this.
  const rho = b.op("Div", [product, b.op("Add", [norms, constantLike(b, 1e-8, norms)])]);
  const mean = b.op("ReduceMean", [rho], { keepdims: int(0) });
  return b.op("Sub", [constantLike(b, 1, mean), mean]);
}
