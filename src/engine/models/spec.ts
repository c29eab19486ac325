/** What a model is made of, as plain data. The recipe's schema is written against these types. */
import type { ActivationName } from "../nn/activations.js";
import type { Padding, Size } from "../nn/padding.js";

/** Dense layers: [...hidden, classes]. Images are flattened. `hidden: []` is a linear model. */
export interface MlpSpec {
  readonly kind: "mlp";
  readonly hidden: readonly number[];
  /** Default "relu". */
  readonly activation?: ActivationName;
  /** Negative slope of leaky-relu; default 0.2. */
  readonly leakySlope?: number;
  /** Batch norm between each hidden layer and its activation; those layers then have no bias. Default false. */
  readonly batchNorm?: boolean;
  /** Rate after each hidden activation; default 0. */
  readonly dropout?: number;
}

export interface ConvLayer {
  /** Filters. */
  readonly conv: number;
  /** Default 3. */
  readonly kernel?: Size;
  /** Default 1. */
  readonly stride?: Size;
  /** Default "same". */
  readonly padding?: Padding;
  readonly dilation?: Size;
  readonly groups?: number;
  /** Default: true, but false before a batch norm, which has its own. */
  readonly bias?: boolean;
  /** Between convolution and activation; default false. */
  readonly batchNorm?: boolean;
  /** Default "none". */
  readonly activation?: ActivationName;
}

export interface DenseLayer {
  /** Units. Feature maps are flattened first. */
  readonly dense: number;
  /** Default: true, but false before a batch norm. */
  readonly bias?: boolean;
  readonly batchNorm?: boolean;
  /** Default "none". */
  readonly activation?: ActivationName;
}

export interface MaxPoolLayer {
  /** Window. */
  readonly maxPool: Size;
  /** Default: the window. */
  readonly stride?: Size;
  /** Default "valid". */
  readonly padding?: Padding;
}

export interface AveragePoolLayer {
  /** Window. */
  readonly averagePool: Size;
  /** Default: the window. */
  readonly stride?: Size;
  /** Default "valid". "same" padding is left out of the mean (Keras), numeric padding counts as zeros (PyTorch). */
  readonly padding?: Padding;
}

/** One layer of a `cnn`: exactly one of the naming keys. */
export type LayerSpec =
  | ConvLayer
  | DenseLayer
  | MaxPoolLayer
  | AveragePoolLayer
  | { readonly globalPool: "average" }
  | { readonly flatten: true }
  | { readonly dropout: number }
  | { readonly batchNorm: true }
  | { readonly layerNorm: true }
  | { readonly activation: ActivationName };

/** A list of layers; the dense layer to the classes is added at the end, after flattening. */
export interface CnnSpec {
  readonly kind: "cnn";
  readonly layers: readonly LayerSpec[];
  /** Negative slope of every leaky-relu; default 0.2. */
  readonly leakySlope?: number;
}

/** A network of presets.ts by name. */
export interface PresetSpec {
  readonly kind: "preset";
  readonly name: "keras-teacher" | "keras-student" | "fashion-teacher";
}

/** LeNet-5 with ReLU and max pooling: 6-16-120-84. */
export interface LeNetSpec {
  readonly kind: "lenet";
  /** Rate after each hidden dense layer; default 0. */
  readonly dropout?: number;
}

/** CIFAR ResNet; see resnet.ts. */
export interface ResNetSpec {
  readonly kind: "resnet";
  readonly depth: 8 | 14 | 20 | 32 | 56;
  /** Multiplies the channels 16, 32, 64 of the stages; default 1. */
  readonly width?: number;
  /** Rate before the classifier; default 0. */
  readonly dropout?: number;
  /** Stochastic depth: rate of the last block, those before have less; default 0. */
  readonly dropPath?: number;
}

/** MobileNetV2; see mobilenet.ts. */
export interface MobileNetSpec {
  readonly kind: "mobilenet";
  /** Multiplies the channels; default 1. */
  readonly width?: number;
  /** By how much the last maps are smaller than the image; default: as much as leaves 4 pixels. */
  readonly shrink?: 1 | 2 | 4 | 8 | 16 | 32;
  /** Rate before the classifier; default 0. */
  readonly dropout?: number;
  /** Stochastic depth: rate of the last block with a shortcut, those before have less; default 0. */
  readonly dropPath?: number;
}

/** Vision Transformer; see vit.ts. */
export interface VitSpec {
  readonly kind: "vit";
  /** Side of a square patch; default 4. */
  readonly patch?: number;
  /** Width; default 192. */
  readonly dim?: number;
  /** Layers; default 4. */
  readonly depth?: number;
  /** Default 3. */
  readonly heads?: number;
  /** Hidden units of a layer's MLP, as a multiple of dim; default 4. */
  readonly mlpRatio?: number;
  /** Default "class". */
  readonly pool?: "class" | "mean";
  /** After the position embedding and every dense layer but query, key and value; default 0. */
  readonly dropout?: number;
  /** Stochastic depth: rate of the last layer's attention and MLP, those before have less; default 0. */
  readonly dropPath?: number;
}

/** Transformer encoder over token ids; see text-encoder.ts. */
export interface TextEncoderSpec {
  readonly kind: "text-encoder";
  /** Token ids are 0 to vocabulary - 1. */
  readonly vocabulary: number;
  /** Width; default 128. */
  readonly dim?: number;
  /** Layers; default 2. */
  readonly depth?: number;
  /** Default 4. */
  readonly heads?: number;
  /** Hidden units of a layer's MLP, as a multiple of dim; default 4. */
  readonly mlpRatio?: number;
  /** Token that fills up short samples; absent: none. */
  readonly paddingId?: number;
  /** After the position embedding and every dense layer but query, key and value; default 0. */
  readonly dropout?: number;
  /** Stochastic depth: rate of the last layer's attention and MLP, those before have less; default 0. */
  readonly dropPath?: number;
}

export type ModelSpec =
  | MlpSpec
  | CnnSpec
  | PresetSpec
  | LeNetSpec
  | ResNetSpec
  | MobileNetSpec
  | VitSpec
  | TextEncoderSpec;
