/**
 * Layers of transformers. Between layers the tokens of all samples are rows of one matrix [batch * tokens, dim], so that
 * every dense layer is one Gemm; only attention sees samples and heads apart.
 */
import { InputError } from "../../base/errors.js";
import { int, ints } from "../graph/attributes.js";
import type { Value } from "../graph/builder.js";
import { int64s, scalar } from "../graph/tensor.js";
import { activate } from "./activations.js";
import { type Distribution, embeddingDistribution } from "./initialisers.js";
import { dense, dropout, dropPath, dropPathRate, layerNorm } from "./layers.js";
import type { ModelScope } from "./scope.js";

export interface TransformerOptions {
  /** Tokens of one sample. */
  readonly tokens: number;
  readonly depth: number;
  readonly heads: number;
  /** Hidden units of each MLP, as a multiple of dim. */
  readonly mlpRatio: number;
  /** As Dosovitskiy et al. 2021, appendix B.1: after every dense layer but query, key and value. */
  readonly dropout: number;
  /** Stochastic depth: rate of the last layer's attention and MLP, those before have less. */
  readonly dropPath: number;
  /** Added to the attention scores [batch, heads, tokens, tokens], to which it broadcasts; see paddingBias. */
  readonly bias?: Value;
}

/**
 * Pre-norm transformer layers with exact Gelu, rows [batch * tokens, dim] in and out. Vaswani et al., NeurIPS 2017; the
 * norm before each block as in Dosovitskiy et al., ICLR 2021, equations 2 and 3. The norm after the last layer is the caller's.
 */
export function transformer(scope: ModelScope, input: Value, options: TransformerOptions): Value {
  const dim = input.shape[1] as number;
  const hidden = Math.round(dim * options.mlpRatio);
  if (dim % options.heads !== 0)
    throw new InputError({
      code: "option-invalid",
      where: "model.heads",
      found: `${options.heads} heads do not divide the width of ${dim}`,
      cure: "Choose a number of heads that divides the width",
    });
  if (hidden < 1)
    throw new InputError({
      code: "option-invalid",
      where: "model.mlp_ratio",
      found: `found ${options.mlpRatio}, which leaves no hidden unit`,
      expected: `at least ${1 / dim}`,
    });
  const drop = (y: Value): Value => dropout(scope, y, options.dropout);
  let x = input;
  for (let i = 0; i < options.depth; i++) {
    const rate = dropPathRate(options.dropPath, i, options.depth);
    const add = (x: Value, y: Value): Value =>
      scope.builder.op("Add", [x, dropPath(scope, drop(y), rate, options.tokens)]);
    x = scope.layer("layer", () => {
      const y = scope.within("norm1", () => layerNorm(scope, x));
      const attended = add(
        x,
        scope.within("attention", () => selfAttention(scope, y, options)),
      );
      const z = scope.within("norm2", () => layerNorm(scope, attended));
      const mlp = scope.within("mlp", () => {
        const inner = scope.within("hidden", () => activate(scope.builder, dense(scope, z, hidden), "gelu"));
        const dropped = drop(inner);
        return scope.within("output", () => dense(scope, dropped, dim));
      });
      return add(attended, mlp);
    });
  }
  return x;
}

/** Multi-head self-attention softmax(q k^T / sqrt(dim / heads)) v over rows [batch * tokens, dim]. */
function selfAttention(scope: ModelScope, x: Value, { tokens, heads, bias }: TransformerOptions): Value {
  const b = scope.builder;
  const dim = x.shape[1] as number;
  const size = dim / heads;
  /** Rows to [batch, heads, tokens, size], or with the last two turned. */
  const split = (name: string, perm: readonly number[]): Value => {
    const y = scope.within(name, () => dense(scope, x, dim));
    return b.op("Transpose", [reshape(scope, y, [-1, tokens, heads, size])], { perm: ints(perm) });
  };
  const query = split("query", [0, 2, 1, 3]);
  const key = split("key", [0, 2, 3, 1]);
  const value = split("value", [0, 2, 1, 3]);
  const scaled = b.op("Mul", [query, b.constant(scalar(1 / Math.sqrt(size)))]);
  const scores = b.op("MatMul", [scaled, key]);
  const weights = b.op("Softmax", [bias ? b.op("Add", [scores, bias]) : scores], { axis: int(-1) });
  const mixed = b.op("Transpose", [b.op("MatMul", [weights, value])], { perm: ints([0, 2, 1, 3]) });
  const joined = reshape(scope, mixed, [-1, dim]);
  return scope.within("output", () => dense(scope, joined, dim));
}

/** Far below every score, and finite: a sample of padding alone then attends to all of it instead of giving NaN. */
const MASKED = -1e9;

/** [batch, tokens] of 0 and 1 (kept) -> [batch, 1, 1, tokens] to add to attention scores: 0 where kept. */
export function paddingBias(scope: ModelScope, kept: Value): Value {
  const b = scope.builder;
  const [one, masked] = [b.constant(scalar(1)), b.constant(scalar(MASKED))];
  const bias = b.op("Mul", [b.op("Sub", [one, kept]), masked]);
  return reshape(scope, bias, [-1, 1, 1, kept.shape[1] as number]);
}

/** [batch, tokens] of ids 0 .. count - 1 -> [batch, tokens, dim]: rows of a table. */
export function embedding(scope: ModelScope, ids: Value, count: number, dim: number): Value {
  const table = scope.parameter("weight", [count, dim], embeddingDistribution(scope.initialiser));
  return scope.builder.op("Gather", [table, ids]);
}

/** Adds a learned row for each position: [batch, tokens, dim] in and out. */
export function addPositions(scope: ModelScope, x: Value, from: Distribution): Value {
  const positions = scope.parameter("positions", x.shape.slice(1), from, "bias");
  return scope.builder.op("Add", [x, positions]);
}

/** To a shape that must not hold the batch: -1 stands for what the batch decides. */
export function reshape(scope: ModelScope, x: Value, shape: readonly number[]): Value {
  return scope.builder.op("Reshape", [x, scope.builder.constant(int64s(shape))]);
}
