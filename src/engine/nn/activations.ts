/** Activations by name. */
import { float } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { scalar } from "../graph/tensor.js";

interface ActivationOptions {
  /** Negative slope of leaky-relu. */
  readonly leakySlope: number;
}

type Build = (b: GraphBuilder, x: Value, options: ActivationOptions) => Value;

const plain =
  (op: string): Build =>
  (b, x) =>
    b.op(op, [x]);

const ACTIVATIONS = {
  none: (_b, x) => x,
  relu: plain("Relu"),
  /** min(max(x, 0), 6): Krizhevsky 2010, used by MobileNet. */
  relu6: (b, x) => b.op("Clip", [x, b.constant(scalar(0)), b.constant(scalar(6))]),
  "leaky-relu": (b, x, { leakySlope }) => b.op("LeakyRelu", [x], { alpha: float(leakySlope) }),
  /** The exact form, with the error function. */
  gelu: plain("Gelu"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  /** x sigmoid(x), also known as swish. */
  silu: (b, x) => b.op("Mul", [x, b.op("Sigmoid", [x])]),
  "hard-swish": plain("HardSwish"),
  elu: plain("Elu"),
  selu: plain("Selu"),
  softplus: plain("Softplus"),
  mish: plain("Mish"),
} satisfies Record<string, Build>;

export type ActivationName = keyof typeof ACTIVATIONS;

/** Every activation's name. */
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as readonly ActivationName[];

/** Keras's slope in its distillation tutorial; PyTorch's default is 0.01. */
export const DEFAULT_LEAKY_SLOPE = 0.2;

/** Appends an activation; "none" gives x back. */
export function activate(b: GraphBuilder, x: Value, name: ActivationName, leakySlope = DEFAULT_LEAKY_SLOPE): Value {
  const build: Build = ACTIVATIONS[name];
  return build(b, x, { leakySlope });
}
