/** Vision Transformer. Dosovitskiy et al., ICLR 2021 (arXiv:2010.11929). */
import { z } from "zod";
import { count, positive, rate } from "../../base/schema-fields.js";
import { int, ints } from "../graph/attributes.js";
import type { Value } from "../graph/builder.js";
import { int64s, scalar } from "../graph/tensor.js";
import { dense, dropout, layerNorm } from "../nn/layers.js";
import type { ModelScope } from "../nn/scope.js";
import { addPositions, reshape, transformer } from "../nn/transformer.js";
import { noun } from "../../base/noun.js";
import { builtModelEntry } from "./entry.js";
import { dropPath, initialiser, widenedHeads } from "./fields.js";
import { modelOption, samplesMisfit } from "./misfit.js";

const schema = z.strictObject({
  kind: z.literal("vit").describe("Vision Transformer (Dosovitskiy et al. 2021)"),
  patch: count.default(4).describe("Side of a square patch; must divide height and width"),
  dim: count.default(192).describe("Width; must be a multiple of heads"),
  depth: count.default(4).describe("Layers"),
  heads: count.default(3).describe("Attention heads"),
  mlpRatio: positive.default(4).describe("Hidden units of a layer's MLP, as a multiple of dim"),
  pool: z
    .enum(["class", "mean"])
    .default("class")
    .describe("Classifier input: a class token, or the mean over the patches"),
  dropout: rate.default(0).describe("After the position embedding and every dense layer except query, key and value"),
  dropPath,
  initialiser,
});
type VitSettings = z.output<typeof schema>;

export const vitModel = builtModelEntry({
  kind: "vit",
  schema,
  build: vit,
  describe: describeVit,
  shortName: ({ dim }) => `vit-${dim}`,
  widened: widenedHeads,
});

/**
 * Patches through one dense layer, class token, learned positions, pre-norm transformer, norm, dense.
 *
 * Parameters are the paper's: the patch layer is its convolution [dim, channels, patch, patch] with the last three
 * dimensions flattened. Start values as torchvision's where limbeck's initialisers say nothing: positions N(0, 0.02^2),
 * class token 0.
 */
function vit(scope: ModelScope, input: Value, classes: number, spec: VitSettings): Value {
  const { patch, dim, depth, heads, mlpRatio, pool, dropout: share, dropPath: path } = spec;
  const flat = scope.within("patches", () => dense(scope, patches(scope, input, patch), dim));
  const cells = (flat.shape[0] as number) / (input.shape[0] as number);
  const tokens = pool === "class" ? cells + 1 : cells;
  const placed = embed(scope, reshape(scope, flat, [-1, cells, dim]), pool);
  const rows = reshape(scope, dropout(scope, placed, share), [-1, dim]);
  const x = transformer(scope, rows, { tokens, depth, heads, mlpRatio, dropout: share, dropPath: path });
  const features = pooled(scope, x, tokens, pool);
  return scope.within("classifier", () => dense(scope, features, classes));
}

/** Images [batch, channels, height, width] -> rows [batch * patches, channels * patch * patch], patches row by row. */
function patches(scope: ModelScope, input: Value, patch: number): Value {
  const [, channels = 1, height = 1, width = 1] = input.shape;
  if (input.shape.length !== 4) throw samplesMisfit(input.shape, "images [channels, height, width] for vit", "Use mlp");
  if (height % patch !== 0 || width % patch !== 0)
    throw modelOption("patch", patch, `a size that divides images of ${height}x${width}`);
  const cut = reshape(scope, input, [-1, channels, height / patch, patch, width / patch, patch]);
  const turned = scope.builder.op("Transpose", [cut], { perm: ints([0, 2, 4, 1, 3, 5]) });
  return reshape(scope, turned, [-1, channels * patch * patch]);
}

/** Class token in front (for pool "class"), learned positions: [batch, patches, dim] -> [batch, tokens, dim]. */
function embed(scope: ModelScope, x: Value, pool: "class" | "mean"): Value {
  const b = scope.builder;
  const [, count, dim] = x.shape as [number, number, number];
  const start = { kind: "normal", std: 0.02 } as const;
  if (pool === "mean") return addPositions(scope, x, start);
  // An empty row in front of the patches, to which the token is added: that needs no batch of copies of the token.
  const room = b.op("Pad", [x, b.constant(int64s([0, 1, 0, 0, 0, 0]))]);
  const placed = addPositions(scope, room, start);
  const token = scope.parameter("class_token", [1, dim], { kind: "constant", value: 0 }, "bias");
  return b.op("Add", [placed, b.op("Pad", [token, b.constant(int64s([0, 0, count, 0]))])]);
}

/** Rows [batch * tokens, dim] -> [batch, dim], after the last norm. */
function pooled(scope: ModelScope, x: Value, tokens: number, pool: "class" | "mean"): Value {
  const b = scope.builder;
  const dim = x.shape[1] as number;
  const norm = (y: Value): Value => scope.within("norm", () => layerNorm(scope, y));
  if (pool === "mean") {
    const samples = reshape(scope, norm(x), [-1, tokens, dim]);
    return b.op("ReduceMean", [samples, b.constant(int64s([1]))], { keepdims: int(0) });
  }
  // The norm works on each row by itself, so only the class token's is needed.
  const samples = reshape(scope, x, [-1, tokens, dim]);
  return norm(b.op("Gather", [samples, b.constant(scalar(0, "int64"))], { axis: int(1) }));
}

/** "vit 4 layers of 192, 3 heads, patches 4x4". */
function describeVit(spec: VitSettings): string {
  const { patch, dim, depth, heads, mlpRatio, pool, dropout: share, dropPath: path } = spec;
  const extras = [
    ...(mlpRatio === 4 ? [] : [`mlp ratio ${mlpRatio}`]),
    ...(pool === "class" ? [] : ["mean pooling"]),
    ...(share ? [`dropout ${share}`] : []),
    ...(path ? [`drop path ${path}`] : []),
  ];
  return [`vit ${noun(depth, "layer")} of ${dim}`, noun(heads, "head"), `patches ${patch}x${patch}`, ...extras].join(
    ", ",
  );
}
