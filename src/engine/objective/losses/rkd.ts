/** Relational distillation: distances and angles between the samples of a batch. */
import { weight } from "../../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s, sizeOf, tensor } from "../../graph/tensor.js";
import { constantLike, reshape, scale } from "../../ops/support.js";
import { flattened, layers, overLayers } from "../connectors.js";
import { huber } from "../huber.js";
import { conflict } from "../options.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("rkd").describe("Distances and angles between samples (Park 2019)"),
  layers,
  distanceWeight: weight.default(25).describe("Weight of the distances"),
  angleWeight: weight.default(50).describe("Weight of the angles"),
});

/**
 * Two samples closer than this share of the mean squared length count as one: they have no direction, and what their
 * distance says is rounding.
 */
const COINCIDENT = 1e-6;
/** The least number a root is taken of or divided by. */
const LEAST = 1e-12;

/**
 * distanceWeight * Huber of distances + angleWeight * Huber of angles, each a mean over all pairs or triplets of the batch
 * (those of a sample with itself, or with one that coincides with it, count as 0), Huber with delta 1; summed over the pairs of layers. Distances are divided by
 * the mean of those that are not 0; the angle of a triplet is the cosine at its middle sample. Features are flattened;
 * no connector is needed, and [batch, batch, batch] numbers are: take batches up to about 128.
 * Park et al., CVPR 2019, equations 4 to 9.
 */
export const rkd: LossEntry<typeof schema, "layers"> = {
  kind: "rkd",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "related",
  check({ distanceWeight, angleWeight }, field) {
    if (distanceWeight === 0 && angleWeight === 0)
      throw conflict(
        field,
        "both weights of rkd are 0, so nothing is learnt from it",
        "Raise distance_weight or angle_weight, or remove the term",
      );
  },
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    const { distanceWeight, angleWeight } = config;
    return overLayers(inputs, config, (pair) => {
      if ((pair.student.shape[0] as number) < 2)
        throw new InputError({
          code: "budget-invalid",
          where: "training.batch",
          found: "the batch holds 1 sample, and rkd compares the samples of a batch",
          expected: "at least 2",
          cure: "Use a larger batch",
        });
      const [s, t] = [relationsOf(b, pair.student), relationsOf(b, pair.teacher)];
      const parts: Value[] = [];
      if (distanceWeight > 0) parts.push(scale(b, meanHuber(b, relative(b, s), relative(b, t)), distanceWeight));
      if (angleWeight > 0) parts.push(scale(b, meanHuber(b, angles(b, s), angles(b, t)), angleWeight));
      return parts.length > 1 ? b.op("Add", parts) : (parts[0] as Value);
    });
  },
};

interface Relations {
  /** x_i . x_j, [batch, batch], of features less their mean: distances do not change, and float32 loses less. */
  readonly products: Value;
  /** |x_i - x_j|, [batch, batch]; 0 of a sample with itself. */
  readonly distances: Value;
  /** 1 where the samples are two that differ, else 0. */
  readonly apart: Value;
}

function relationsOf(b: GraphBuilder, feature: Value): Relations {
  const raw = flattened(b, feature);
  const rows = b.op("Sub", [raw, b.op("ReduceMean", [raw, b.constant(int64s([0]))], { keepdims: int(1) })]);
  const n = rows.shape[0] as number;
  const products = b.op("MatMul", [rows, b.op("Transpose", [rows])]);
  const squares = b.op("ReduceSum", [b.op("Mul", [rows, rows]), b.constant(int64s([1]))], { keepdims: int(1) });
  const sums = b.op("Add", [squares, b.op("Transpose", [squares])]);
  const between = b.op("Sub", [sums, scale(b, products, 2)]);
  const others = b.constant(
    tensor(
      rows.dtype,
      Array.from({ length: n * n }, (_, k) => Number(k % n !== Math.floor(k / n))),
      [n, n],
    ),
    "others",
  );
  const typical = scale(b, b.op("ReduceMean", [squares], { keepdims: int(0) }), COINCIDENT);
  const distinct = b.op("Greater", [between, typical]);
  const apart = b.op("Where", [distinct, others, constantLike(b, 0, others)]);
  const length = b.op("Sqrt", [b.op("Max", [between, constantLike(b, LEAST, between)])]);
  return { products, distances: b.op("Mul", [length, apart]), apart };
}

/** Distances divided by the mean of those between two samples. */
function relative(b: GraphBuilder, { distances, apart }: Relations): Value {
  const [sum, count] = [distances, apart].map((v) => b.op("ReduceSum", [v], { keepdims: int(0) })) as [Value, Value];
  const mean = b.op("Div", [sum, b.op("Max", [count, constantLike(b, 1, count)])]);
  return b.op("Div", [distances, b.op("Max", [mean, constantLike(b, LEAST, mean)])]);
}

/**
 * cos of the angle at i between j and k, [i, j, k]: (x_j - x_i)(x_k - x_i) from the products, divided by both distances;
 * 0 where two of the three are the same.
 */
function angles(b: GraphBuilder, { products, distances, apart }: Relations): Value {
  const n = products.shape[0] as number;
  const [at, one, two] = [
    [n, 1, 1],
    [n, n, 1],
    [n, 1, n],
  ];
  const diagonal = b.op(
    "ReduceSum",
    [b.op("Mul", [products, b.op("Sub", [constantLike(b, 1, apart), apart])]), b.constant(int64s([1]))],
    { keepdims: int(0) },
  );
  const pairs = b.op("Sub", [reshape(b, products, [1, n, n]), reshape(b, products, one)]);
  const dot = b.op("Add", [b.op("Sub", [pairs, reshape(b, products, two)]), reshape(b, diagonal, at)]);
  // Where a sample meets itself the distance counts as 1, and the mask takes the quotient away.
  const length = b.op("Add", [distances, b.op("Sub", [constantLike(b, 1, apart), apart])]);
  const cosines = b.op("Div", [dot, b.op("Mul", [reshape(b, length, one), reshape(b, length, two)])]);
  return b.op("Mul", [cosines, b.op("Mul", [reshape(b, apart, one), reshape(b, apart, two)])]);
}

function meanHuber(b: GraphBuilder, student: Value, teacher: Value): Value {
  const each = huber(b, b.op("Sub", [student, teacher]), 1);
  return scale(b, b.op("ReduceSum", [each], { keepdims: int(0) }), 1 / sizeOf(each.shape));
}
