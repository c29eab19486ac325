/** DIST: the relations between classes and between samples, by correlation. */

import { weight } from "../../../base/schema-fields.js";
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { constantLike, scale } from "../../ops/support.js";
import { conflict, fieldOf } from "../options.js";
import { logSides, type Softening, standardise, temperature, temperatureOf } from "../softening.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("dist").describe("Correlations within samples and within classes (Huang 2022)"),
  ...temperature(1),
  standardise,
  rowWeight: weight.default(1).describe("Weight of the term within samples"),
  columnWeight: weight.default(1).describe("Weight of the term within classes"),
});

/**
 * T^2 [ b (1 - mean over samples of rho(p_s, p_t)) + g (1 - mean over classes of rho) ], rho the Pearson correlation of
 * the softened probabilities of a sample over the classes, of a class over the batch. Huang et al., NeurIPS 2022.
 * A constant row or column has correlation 0.
 */
export const dist: LossEntry<typeof schema, "answers"> = {
  kind: "dist",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "related",
  check(config, field) {
    if ((config as Partial<Softening>).temperatureByConfidence)
      throw conflict(
        fieldOf(field, "temperatureByConfidence"),
        "dist compares a class over the samples of a batch, which must share one temperature",
        "Remove it",
      );
  },
  build(inputs, config) {
    const { builder: b } = inputs;
    const t = temperatureOf(inputs, config, "dist");
    const sides = logSides(inputs, config, "dist", t);
    const [student, teacher] = [b.op("Exp", [sides.student]), b.op("Exp", [sides.teacher])];
    const rows = scale(b, distance(b, student, teacher, 1), config.rowWeight);
    const columns = scale(b, distance(b, student, teacher, 0), config.columnWeight);
    return b.op("Mul", [b.op("Add", [rows, columns]), b.op("Mul", [t, t])]);
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
