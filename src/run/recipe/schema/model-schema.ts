/** The recipe's models. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { count, file, positive, rate } from "../../../base/schema-fields.js";

const activation = z
  .enum([
    "relu",
    "relu6",
    "leaky-relu",
    "gelu",
    "tanh",
    "sigmoid",
    "silu",
    "hard-swish",
    "elu",
    "selu",
    "softplus",
    "none",
  ])
  .describe("Activation function");

const layer = z.union([
  z.strictObject({
    conv: count.describe("Filters"),
    kernel: z.union([count, z.tuple([count, count])]).default(3),
    stride: count.default(1),
    padding: z
      .union([z.enum(["same", "valid"]), z.number().int().min(0)])
      .default("same")
      .describe('"same" as in Keras (asymmetric at even strides), "valid", or pixels on each side as in PyTorch'),
    dilation: count.default(1),
    groups: count.default(1),
    bias: z.boolean().default(true),
    batchNorm: z.boolean().default(false),
    activation: activation.default("none"),
  }),
  z.strictObject({
    maxPool: count.describe("Window"),
    stride: count.optional().describe("Default: the window"),
    padding: z.union([z.enum(["same", "valid"]), z.number().int().min(0)]).default("valid"),
  }),
  z.strictObject({
    averagePool: count.describe("Window"),
    stride: count.optional().describe("Default: the window"),
    padding: z.union([z.enum(["same", "valid"]), z.number().int().min(0)]).default("valid"),
  }),
  z.strictObject({ globalPool: z.literal("average") }),
  z.strictObject({ flatten: z.literal(true) }),
  z.strictObject({
    dense: count.describe("Units"),
    bias: z.boolean().default(true),
    batchNorm: z.boolean().default(false),
    activation: activation.default("none"),
  }),
  z.strictObject({ dropout: rate }),
  z.strictObject({ batchNorm: z.literal(true) }),
  z.strictObject({ layerNorm: z.literal(true) }),
  z.strictObject({ activation }),
]);

const initialiser = z
  .enum(["pytorch", "keras", "he-normal", "he-uniform", "glorot-normal", "glorot-uniform"])
  .default("pytorch")
  .describe("Initial weights: a library's layer defaults, or He / Glorot with zero biases");

const slope = z.number().min(0).default(0.2).describe("Negative slope of leaky-relu");

const dropPath = rate
  .default(0)
  .describe("Stochastic depth (Huang et al. 2016): rate of the last residual block; earlier rates grow linearly");

const models = [
  z.strictObject({
    kind: z.literal("mlp").describe("Dense layers"),
    hidden: z.array(count).describe("Units of each hidden layer; [] is a linear model"),
    activation: activation.default("relu"),
    leakySlope: slope,
    batchNorm: z.boolean().default(false),
    dropout: rate.default(0),
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("cnn").describe("A list of layers; the dense output layer is added automatically"),
    layers: z.array(layer).min(1),
    leakySlope: slope,
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("preset"),
    name: z
      .enum(["keras-teacher", "keras-student", "fashion-teacher"])
      .describe("The models of Keras's distillation tutorial, or the Fashion-MNIST teacher of docs/results.md"),
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("lenet").describe("LeNet-5 (LeCun 1998) with ReLU"),
    dropout: rate.default(0).describe("After each hidden dense layer"),
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("resnet").describe("CIFAR ResNet (He et al. 2016)"),
    depth: z.union([z.literal(8), z.literal(14), z.literal(20), z.literal(32), z.literal(56)]),
    width: z.number().positive().default(1).describe("Multiplies the channels 16, 32, 64"),
    dropout: rate.default(0).describe("Before the classifier"),
    dropPath: dropPath,
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("mobilenet").describe("MobileNetV2 (Sandler et al. 2018), also for small images"),
    width: z.number().positive().default(1).describe("Multiplies the channels, which are rounded to multiples of 8"),
    shrink: z
      .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8), z.literal(16), z.literal(32)])
      .optional()
      .describe(
        "Ratio of the image's side to that of the last maps; the first strides become 1 to reach it. Default: the last maps have 4 pixels per side (8 for 32x32); the paper's 32 from 128x128",
      ),
    dropout: rate.default(0).describe("Before the classifier"),
    dropPath: dropPath,
    initialiser,
  }),
  z.strictObject({
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
    dropPath: dropPath,
    initialiser,
  }),
  z.strictObject({
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
    dropPath: dropPath,
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("onnx").describe("Start from an ONNX file and its weights"),
    file: file("ONNX model"),
    trainable: z.array(z.string()).default(["*"]).describe("Initialisers to train, by name; * matches any text"),
    frozen: z
      .array(z.string())
      .default([])
      .describe("Initialisers to keep fixed, by name; takes precedence over trainable"),
  }),
] as const;

export const modelSchema = assembled(() => z.discriminatedUnion("kind", models).describe("The architecture"));
