/** Transformer encoder over token ids. Vaswani et al., NeurIPS 2017; pre-norm (Xiong et al., ICML 2020), mean pooling. */
import { z } from "zod";
import { count, positive, rate } from "../../base/schema-fields.js";
import { int } from "../graph/attributes.js";
import type { Value } from "../graph/builder.js";
import { int64s, scalar } from "../graph/tensor.js";
import { embeddingDistribution } from "../nn/initialisers.js";
import { dense, dropout, layerNorm } from "../nn/layers.js";
import type { ModelScope } from "../nn/scope.js";
import { addPositions, embedding, paddingBias, reshape, transformer } from "../nn/transformer.js";
import { noun } from "../../base/noun.js";
import { builtModelEntry } from "./entry.js";
import { dropPath, initialiser, widenedHeads } from "./fields.js";
import { modelOption, samplesMisfit } from "./misfit.js";

const schema = z.strictObject({
  kind: z.literal("text-encoder").describe("Transformer encoder over token ids, mean pooling"),
  vocabulary: count.describe("Token ids are 0 to vocabulary - 1"),
  dim: count.default(128).describe("Width; must be a multiple of heads"),
  depth: count.default(2).describe("Layers"),
  heads: count.default(4).describe("Attention heads"),
  mlpRatio: positive.default(4).describe("Hidden units of a layer's MLP, as a multiple of dim"),
  paddingId: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Padding token of short samples; attention and the mean ignore it"),
  dropout: rate.default(0).describe("After the position embedding and every dense layer except query, key and value"),
  dropPath,
  initialiser,
});
type TextEncoderSettings = z.output<typeof schema>;

export const textEncoderModel = builtModelEntry({
  kind: "text-encoder",
  schema,
  build: textEncoder,
  describe: describeTextEncoder,
  shortName: ({ dim }) => `text-encoder-${dim}`,
  vocabulary: ({ vocabulary }) => vocabulary,
  widened: widenedHeads,
});

/**
 * Embedding and learned positions, pre-norm transformer, norm, mean over the tokens, dense.
 * Where the token is `paddingId`, no attention goes to it and the mean leaves it out; a sample of padding alone gives
 * the mean of nothing, 0.
 * @param input token ids [batch, sequence], int64
 */
function textEncoder(scope: ModelScope, input: Value, classes: number, spec: TextEncoderSettings): Value {
  const { vocabulary, dim, depth, heads, mlpRatio, paddingId, dropout: share, dropPath: path } = spec;
  if (input.shape.length !== 2)
    throw samplesMisfit(input.shape, "token ids [sequence] for text-encoder", "Use mlp or cnn");
  if (paddingId !== undefined && paddingId >= vocabulary)
    throw modelOption("padding_id", paddingId, `a token id below the vocabulary of ${vocabulary}`);
  const tokens = input.shape[1] as number;
  const kept = paddingId === undefined ? undefined : keptTokens(scope, input, paddingId);
  const bias = kept && scope.within("padding", () => paddingBias(scope, kept));
  const table = scope.within("embedding", () => embedding(scope, input, vocabulary, dim));
  const placed = addPositions(scope, table, embeddingDistribution(scope.initialiser));
  const rows = reshape(scope, dropout(scope, placed, share), [-1, dim]);
  const x = transformer(scope, rows, { tokens, depth, heads, mlpRatio, dropout: share, dropPath: path, bias });
  const norm = scope.within("norm", () => layerNorm(scope, x));
  const features = scope.within("pool", () => mean(scope, reshape(scope, norm, [-1, tokens, dim]), kept));
  return scope.within("classifier", () => dense(scope, features, classes));
}

/** [batch, tokens]: 1 where the token is not padding. */
function keptTokens(scope: ModelScope, ids: Value, paddingId: number): Value {
  const b = scope.builder;
  const padding = b.op("Equal", [ids, b.constant(scalar(paddingId, "int64"))]);
  return b.op("Cast", [b.op("Not", [padding])], { to: int(1) });
}

/** [batch, tokens, dim] -> [batch, dim], over the kept tokens. */
function mean(scope: ModelScope, x: Value, kept: Value | undefined): Value {
  const b = scope.builder;
  const over = b.constant(int64s([1]));
  if (!kept) return b.op("ReduceMean", [x, over], { keepdims: int(0) });
  const chosen = b.op("Mul", [x, reshape(scope, kept, [-1, x.shape[1] as number, 1])]);
  const sum = b.op("ReduceSum", [chosen, over], { keepdims: int(0) });
  const total = b.op("ReduceSum", [kept, over], { keepdims: int(1) });
  return b.op("Div", [sum, b.op("Max", [total, b.constant(scalar(1))])]);
}

/** "text-encoder 2 layers of 128, 4 heads, vocabulary 8000". */
function describeTextEncoder(spec: TextEncoderSettings): string {
  const { vocabulary, dim, depth, heads, mlpRatio, paddingId, dropout: share, dropPath: path } = spec;
  const extras = [
    ...(mlpRatio === 4 ? [] : [`mlp ratio ${mlpRatio}`]),
    ...(paddingId === undefined ? [] : [`padding ${paddingId}`]),
    ...(share ? [`dropout ${share}`] : []),
    ...(path ? [`drop path ${path}`] : []),
  ];
  return [
    `text-encoder ${noun(depth, "layer")} of ${dim}`,
    noun(heads, "head"),
    `vocabulary ${vocabulary}`,
    ...extras,
  ].join(", ");
}
