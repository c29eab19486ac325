/** Start values of weights: initialisers by name, and the layer defaults of PyTorch and Keras. */
import { sizeOf } from "../graph/tensor.js";
import type { Random } from "../random/random.js";

/** What start values are drawn from. */
export type Distribution =
  | { readonly kind: "constant"; readonly value: number }
  /** Mean 0. */
  | { readonly kind: "normal"; readonly std: number }
  /** In [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number };

/** Inputs that reach one output of a layer, and outputs that one input reaches. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

interface Scheme {
  /** Of a dense or convolution weight. */
  weight(fans: Fans): Distribution;
  /** Of the bias beside that weight. */
  bias(fans: Fans): Distribution;
}

const constant = (value: number): Distribution => ({ kind: "constant", value });
const normal = (variance: number): Distribution => ({ kind: "normal", std: Math.sqrt(variance) });
/** A uniform distribution of variance v reaches to sqrt(3 v). */
const uniform = (variance: number): Distribution => ({ kind: "uniform", bound: Math.sqrt(3 * variance) });
const withZeroBias = (weight: Scheme["weight"]): Scheme => ({ weight, bias: () => constant(0) });

/** Variance 2 / fan_in: He et al., ICCV 2015, equation 10. */
const he = ({ fanIn }: Fans): number => 2 / fanIn;
/** Variance 2 / (fan_in + fan_out): Glorot and Bengio, AISTATS 2010, equation 12. */
const glorot = ({ fanIn, fanOut }: Fans): number => 2 / (fanIn + fanOut);
/** Variance 1 / fan_in: LeCun et al., Efficient BackProp, 1998, equation 16. */
const lecun = ({ fanIn }: Fans): number => 1 / fanIn;

/**
 * All initialisers by name. Normal ones are not truncated (Keras truncates its own at two deviations).
 *
 * `pytorch`: the default of nn.Linear and nn.Conv2d, kaiming_uniform with a = sqrt(5), which comes to
 * U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases alike. `keras`: glorot-uniform weights, zero biases.
 */
const SCHEMES = {
  pytorch: { weight: (f) => uniform(lecun(f) / 3), bias: (f) => uniform(lecun(f) / 3) },
  keras: withZeroBias((f) => uniform(glorot(f))),
  "he-normal": withZeroBias((f) => normal(he(f))),
  "he-uniform": withZeroBias((f) => uniform(he(f))),
  "glorot-normal": withZeroBias((f) => normal(glorot(f))),
  "glorot-uniform": withZeroBias((f) => uniform(glorot(f))),
  "lecun-normal": withZeroBias((f) => normal(lecun(f))),
  "lecun-uniform": withZeroBias((f) => uniform(lecun(f))),
  zeros: withZeroBias(() => constant(0)),
  ones: withZeroBias(() => constant(1)),
} satisfies Record<string, Scheme>;

export type InitialiserName = keyof typeof SCHEMES;

/** Every initialiser's name. */
export const INITIALISERS = Object.keys(SCHEMES) as readonly InitialiserName[];

/** What the weight and the bias of a layer with these fans start from. */
export function layerDistributions(name: InitialiserName, fans: Fans): { weight: Distribution; bias: Distribution } {
  const scheme: Scheme = SCHEMES[name];
  return { weight: scheme.weight(fans), bias: scheme.bias(fans) };
}

/**
 * What a table of embeddings starts from: N(0, 1) as nn.Embedding for "pytorch", U(-0.05, 0.05) as Keras's layer, the
 * constants as they are; N(0, 0.02^2), BERT's, for schemes that say nothing of tables (Devlin et al., NAACL 2019).
 */
export function embeddingDistribution(name: InitialiserName): Distribution {
  if (name === "pytorch") return { kind: "normal", std: 1 };
  if (name === "keras") return { kind: "uniform", bound: 0.05 };
  return name === "zeros" || name === "ones" ? constant(Number(name === "ones")) : { kind: "normal", std: 0.02 };
}

/**
 * Fans of a weight [out, in / groups, ...kernel], dense or convolution. As in PyTorch and Keras the fan out of a
 * grouped convolution counts all filters.
 */
export function fansOf(shape: readonly number[]): Fans {
  const kernel = sizeOf(shape.slice(2));
  return { fanIn: (shape[1] ?? 1) * kernel, fanOut: (shape[0] ?? 1) * kernel };
}

/** `size` start values; `random` is asked for its numbers 0 .. size - 1, and not at all for a constant. */
export function drawValues(distribution: Distribution, size: number, random: () => Random): Float32Array {
  const values = new Float32Array(size);
  if (distribution.kind === "constant") values.fill(distribution.value);
  else if (distribution.kind === "normal") random().fillNormal(values, 0, distribution.std);
  else random().fillUniform(values, -distribution.bound, distribution.bound);
  return values;
}
