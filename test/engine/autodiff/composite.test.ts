/** Whole networks and random compositions against finite differences: rules that are right alone must be right together. */
import { test } from "node:test";
import { int } from "../../../src/engine/graph/attributes.js";
import type { GraphBuilder, Value } from "../../../src/engine/graph/builder.js";
import { int64s, scalar } from "../../../src/engine/graph/tensor.js";
import { checkGraph, type InputSpec, uniform } from "../ops/support/check.js";

const weight = (...shape: number[]): InputSpec => ({ shape, low: -0.8, high: 0.8 });

test("a three-layer perceptron with cross-entropy and a soft-target term", async () => {
  const labels: InputSpec = { shape: [4, 3], values: [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0] };
  await checkGraph({
    inputs: [
      { shape: [4, 5] },
      weight(5, 6),
      weight(6),
      weight(6, 4),
      weight(4),
      weight(4, 3),
      weight(3),
      labels,
      { shape: [4, 3] },
    ],
    wrt: [0, 1, 2, 3, 4, 5, 6],
    build: (b, inputs) => {
      const [x, w1, b1, w2, b2, w3, b3, onehot, teacher] = inputs as Value[];
      const dense = (v: Value | undefined, w: Value | undefined, c: Value | undefined): Value =>
        b.op("Add", [b.op("MatMul", [v, w]), c]);
      const hidden = b.op("Tanh", [dense(b.op("Gelu", [dense(x, w1, b1)]), w2, b2)]);
      const logits = dense(hidden, w3, b3);
      return [crossEntropy(b, logits, onehot as Value), softTargets(b, logits, teacher as Value, 4)];
    },
  });
});

function crossEntropy(b: GraphBuilder, logits: Value, onehot: Value): Value {
  const picked = b.op("ReduceSum", [b.op("Mul", [b.op("LogSoftmax", [logits]), onehot]), lastAxis(b)]);
  return b.op("Neg", [b.op("ReduceMean", [picked], { keepdims: int(0) })]);
}

/** T^2 KL(p_t^T || p_s^T), mean over the batch. */
function softTargets(b: GraphBuilder, logits: Value, teacher: Value, temperature: number): Value {
  const soft = (z: Value): Value => b.op("LogSoftmax", [b.op("Div", [z, b.constant(scalar(temperature, z.dtype))])]);
  const t = soft(teacher);
  const terms = b.op("Mul", [b.op("Exp", [t]), b.op("Sub", [t, soft(logits)])]);
  const rows = b.op("ReduceSum", [terms, lastAxis(b)], { keepdims: int(0) });
  return b.op("Mul", [
    b.op("ReduceMean", [rows], { keepdims: int(0) }),
    b.constant(scalar(temperature ** 2, rows.dtype)),
  ]);
}

const lastAxis = (b: GraphBuilder): Value => b.constant(int64s([-1]));

/** Smooth everywhere, of bounded slope, so that compositions stay near 1. */
const UNARY = [
  "Tanh",
  "Sigmoid",
  "Sin",
  "Cos",
  "Erf",
  "Softplus",
  "Softsign",
  "Gelu",
  "Mish",
  "Neg",
  "Softmax",
  "LogSoftmax",
];
const BINARY = ["Add", "Sub", "Mul", "Mean"];
const REDUCTIONS = ["ReduceSum", "ReduceMean", "ReduceLogSumExp", "ReduceSumSquare"];

/** A random graph of `length` ops over three inputs whose shapes broadcast; every value may be used again. */
function randomGraph(b: GraphBuilder, inputs: readonly Value[], seed: number, length: number): Value[] {
  const numbers = uniform(seed, length * 4, 0, 1);
  let at = 0;
  const pick = <T>(from: readonly T[]): T => from[Math.floor((numbers[at++] as number) * from.length)] as T;
  const values = [...inputs];
  for (let i = 0; i < length; i++) {
    const kind = numbers[at++] as number;
    if (kind < 0.45) values.push(b.op(pick(UNARY), [pick(values)]));
    else if (kind < 0.85) values.push(b.op(pick(BINARY), [pick(values), pick(values)]));
    else values.push(b.op(pick(REDUCTIONS), [pick(values), b.constant(int64s([-1]))], { keepdims: int(1) }));
  }
  return [b.op("Tanh", [values.at(-1)]), b.op("Tanh", [b.op("Sum", values)])];
}

for (let seed = 1; seed <= 12; seed++) {
  test(`random composition ${seed}`, async () => {
    await checkGraph({
      inputs: [
        { shape: [2, 3], low: -1, high: 1 },
        { shape: [3], low: -1, high: 1 },
        { shape: [2, 1], low: -1, high: 1 },
      ],
      tolerance: 1e-5,
      ortTolerance: 1e-4,
      build: (b, inputs) => randomGraph(b, inputs as Value[], seed, 12),
    });
  });
}
