/** Contrastive representation distillation: a sample's embeddings on both sides belong together, those of others do not. */
import { count, positive, rate } from "../../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../../graph/types.js";
import { constantLike, scale, transpose } from "../../ops/support.js";
import { channels, flattened, layers, overLayers } from "../connectors.js";
import { unitRows } from "../geometry.js";
import { onlyInTraining } from "../options.js";
import { logAddExp } from "../support.js";
import type { ConfigOf, LossEntry } from "../entry.js";
import type { FeatureValues, LossInputs, LossMemory, LossState } from "../types.js";

const schema = z.strictObject({
  kind: z.literal("crd").describe("Contrast with other samples, using memory banks (Tian 2020)"),
  layers,
  dimension: count.default(128).describe("Width of the embeddings"),
  temperature: positive.default(0.07).describe("Divisor of the cosines"),
  negatives: count.default(1024).describe("Other samples drawn at every step; limited to the number available"),
  momentum: rate.default(0.5).describe("Share of the old row that is kept when a row of a bank is updated"),
});
export type CrdConfig = ConfigOf<typeof schema>;

/**
 * Sum over both sides of the mean over the batch of -log h(x+) - sum over K negatives of log(1 - h(x-)), with
 * h(x) = P / (P + K / n), P = exp(v . x / tau) / Z and n the number of training samples. v is the sample's embedding on one
 * side: its flattened value through a dense layer, divided by its L2 length. x are rows of the bank of the other side, x+
 * the sample's own, x- those of the negatives. After the step a sample's row becomes momentum * row + (1 - momentum) * v,
 * at length 1 again. Z is n times the mean of exp(v . x / tau) over the first batch, a constant from then on.
 *
 * As the authors' code, but: the negatives are drawn once a step, from the samples outside the batch, for all samples of
 * the batch, instead of K for each (64 times the reading at a batch of 64); they may be of the same class; log h is
 * computed without the 1e-7 that guards it there. Rows start at random, as there, and the dense layers are dropped.
 * Tian et al., Contrastive Representation Distillation, ICLR 2020, equations 17 to 19.
 */
export const crd: LossEntry<typeof schema, "layers"> = {
  kind: "crd",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "related",
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    return overLayers(inputs, config, (pair, i) => {
      const memory = memoryOf(inputs);
      const { count } = memory;
      const batch = pair.student.shape[0] as number;
      if (count <= batch)
        throw new InputError({
          code: "budget-invalid",
          where: "training.batch",
          found: `the batch of ${batch} holds all ${count} training samples`,
          expected: "samples outside the batch, which crd takes its negatives from",
          cure: "Use a smaller batch",
        });
      const drawn = memory.others(String(i), Math.min(config.negatives, count - batch));
      const [student, teacher] = (["student", "teacher"] as const).map((side) =>
        embedded(inputs, pair, side, config.dimension, `${i}/${side}`),
      ) as [Side, Side];
      const losses = [
        contrast(inputs, student, teacher.bank, drawn, config.temperature),
        contrast(inputs, teacher, student.bank, drawn, config.temperature),
      ];
      for (const side of [student, teacher]) remember(inputs, side, config.momentum);
      return b.op("Add", losses);
    });
  },
};

function memoryOf({ memory }: LossInputs): LossMemory {
  if (!memory) throw onlyInTraining("crd remembers samples");
  return memory;
}

interface Side {
  /** [batch, dimension], rows of length 1. */
  readonly embedding: Value;
  /** [samples, dimension], rows of length 1. */
  readonly bank: LossState;
  /** [1]; 0 before the first batch. */
  readonly normaliser: LossState;
}

function embedded(
  inputs: LossInputs,
  pair: FeatureValues,
  side: "student" | "teacher",
  dimension: number,
  name: string,
): Side {
  const b = inputs.builder;
  const memory = memoryOf(inputs);
  const embedding = unitRows(b, channels(inputs, flattened(b, pair[side]), dimension, name));
  // Uniform with variance 1 / dimension: rows are about 1 long.
  const bound = Math.sqrt(3 / dimension);
  const bank = memory.table(`${name}/bank`, dimension, { kind: "uniform", bound });
  return { embedding, bank, normaliser: memory.state(`${name}/normaliser`, [1], { kind: "constant", value: 0 }) };
}

/** The loss of one side's embeddings against the other's bank. */
function contrast(
  inputs: LossInputs,
  { embedding, normaliser }: Side,
  bank: LossState,
  drawn: Value,
  temperature: number,
): Value {
  const b = inputs.builder;
  const memory = memoryOf(inputs);
  const own = b.op("Gather", [bank.value, memory.rows]);
  const others = transpose(b, b.op("Gather", [bank.value, drawn]), [1, 0]);
  const same = b.op("ReduceSum", [b.op("Mul", [embedding, own]), b.constant(int64s([1]))], { keepdims: int(1) });
  const cosines = b.op("Concat", [same, b.op("MatMul", [embedding, others])], { axis: int(1) });
  const scores = scale(b, cosines, 1 / temperature);
  const z = normaliserOf(b, scores, normaliser, memory.count);
  const negatives = drawn.shape[0] as number;
  // log(P n / K): h is its sigmoid, and -log h, -log(1 - h) are softplus of it with either sign.
  const offset = constantLike(b, Math.log(memory.count / negatives), scores);
  const odds = b.op("Sub", [b.op("Add", [scores, offset]), b.op("Log", [z])]);
  const sizes = b.constant(int64s([1, negatives]));
  const [positive, negative] = b.ops("Split", [odds, sizes], { axis: int(1) }) as [Value, Value];
  const softplus = (v: Value): Value => logAddExp(b, v, constantLike(b, 0, v));
  const apart = b.op("ReduceSum", [softplus(negative), b.constant(int64s([1]))], { keepdims: int(1) });
  return b.op("ReduceMean", [b.op("Add", [softplus(b.op("Neg", [positive])), apart])], { keepdims: int(0) });
}

/** Z [1]: of the first batch, then what it was. No gradient passes. */
function normaliserOf(b: GraphBuilder, scores: Value, state: LossState, count: number): Value {
  const mean = b.op("ReduceMean", [b.op("Exp", [scores])], { keepdims: int(0) });
  const measured = b.op("StopGradient", [scale(b, mean, count)], {}, { domain: ABSTRACT_DOMAIN });
  const known = b.op("Greater", [state.value, constantLike(b, 0, state.value)]);
  const z = b.op("Where", [known, state.value, measured]);
  state.become(z);
  return z;
}

/** Moves the rows of the batch's samples towards their embeddings. */
function remember(inputs: LossInputs, { embedding, bank }: Side, momentum: number): void {
  const b = inputs.builder;
  const { rows: own } = memoryOf(inputs);
  const old = scale(b, b.op("Gather", [bank.value, own]), momentum);
  bank.become(unitRows(b, b.op("Add", [old, scale(b, embedding, 1 - momentum)])));
}
