/** Transformer encoder over token ids. Vaswani et al., NeurIPS 2017; pre-norm (Xiong et al., ICML 2020), mean pooling. */
import { int } from "../graph/attributes.js";
import type { Value } from "../graph/builder.js";
import { int64s, scalar } from "../graph/tensor.js";
import { embeddingDistribution } from "../nn/initialisers.js";
import { dense, dropout, layerNorm } from "../nn/layers.js";
import type { ModelScope } from "../nn/scope.js";
import { addPositions, embedding, paddingBias, reshape, transformer } from "../nn/transformer.js";
import { noun } from "../../base/noun.js";
import { modelOption, samplesMisfit } from "./misfit.js";
import type { TextEncoderSpec } from "./spec.js";

/**
 * Embedding and learned positions, pre-norm transformer, norm, mean over the tokens, dense.
 * Where the token is `paddingId`, no attention goes to it and the mean leaves it out; a sample of padding alone gives
 * the mean of nothing, 0.
 * @param input token ids [batch, sequence], int64
 */
export function textEncoder(scope: ModelScope, input: Value, classes: number, spec: TextEncoderSpec): Value {
  const {
    vocabulary,
    dim = 128,
    depth = 2,
    heads = 4,
    mlpRatio = 4,
    dropout: rate = 0,
    dropPath = 0,
    paddingId,
  } = spec;
  if (input.shape.length !== 2)
    throw samplesMisfit(input.shape, "token ids [sequence] for text-encoder", "Use mlp or cnn");
  if (paddingId !== undefined && paddingId >= vocabulary)
    throw modelOption("padding_id", paddingId, `a token id below the vocabulary of ${vocabulary}`);
  const tokens = input.shape[1] as number;
  const kept = paddingId === undefined ? undefined : keptTokens(scope, input, paddingId);
  const bias = kept && scope.within("padding", () => paddingBias(scope, kept));
  const table = scope.within("embedding", () => embedding(scope, input, vocabulary, dim));
  const placed = addPositions(scope, table, embeddingDistribution(scope.initialiser));
  const rows = reshape(scope, dropout(scope, placed, rate), [-1, dim]);
  const x = transformer(scope, rows, { tokens, depth, heads, mlpRatio, dropout: rate, dropPath, bias });
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
  const count = b.op("ReduceSum", [kept, over], { keepdims: int(1) });
  return b.op("Div", [sum, b.op("Max", [count, b.constant(scalar(1))])]);
}

/** "text-encoder 2 layers of 128, 4 heads, vocabulary 8000". */
export function describeTextEncoder(spec: TextEncoderSpec): string {
  const {
    vocabulary,
    dim = 128,
    depth = 2,
    heads = 4,
    mlpRatio = 4,
    paddingId,
    dropout: rate = 0,
    dropPath = 0,
  } = spec;
  const extras = [
    ...(mlpRatio === 4 ? [] : [`mlp ratio ${mlpRatio}`]),
    ...(paddingId === undefined ? [] : [`padding ${paddingId}`]),
    ...(rate ? [`dropout ${rate}`] : []),
    ...(dropPath ? [`drop path ${dropPath}`] : []),
  ];
  return [
    `text-encoder ${noun(depth, "layer")} of ${dim}`,
    noun(heads, "head"),
    `vocabulary ${vocabulary}`,
    ...extras,
  ].join(", ");
}
