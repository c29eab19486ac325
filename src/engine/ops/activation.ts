/**
 * Activations. Where a derivative is a choice of two values, a mask that multiplies (Greater, Cast, Mul) is about twice
 * as fast on ONNX Runtime's CPU kernels as Where; Where stays where the masked-out branch may be infinite.
 * At a kink the derivative is PyTorch's.
 */
import { readFloat, readText } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import type { OpDefinition } from "./definition.js";
import { broadcastShapes, constantLike, inferSame, maskOf, misfit, sameTyped, scale, sumTo } from "./support.js";

/** What a derivative formula sees. */
interface Point {
  readonly b: GraphBuilder;
  readonly call: OpCall;
  readonly x: Value;
  readonly y: Value;
}

/** An activation; `slope` gives dy/dx at the shape of x. */
function activation(op: string, slope: (p: Point) => Value): OpDefinition {
  return {
    op,
    infer: inferSame,
    gradient: ({ builder: b, call, inputs: [x], outputs: [y], gradients: [g] }) => [
      b.op("Mul", [g, slope({ b, call, x: x as Value, y: y as Value })]),
    ],
  };
}

const add = (b: GraphBuilder, value: Value, term: number): Value => b.op("Add", [value, constantLike(b, term, value)]);
const square = (b: GraphBuilder, value: Value): Value => b.op("Mul", [value, value]);
const greater = (b: GraphBuilder, value: Value, bound: number): Value =>
  b.op("Greater", [value, constantLike(b, bound, value)]);
const less = (b: GraphBuilder, value: Value, bound: number): Value =>
  b.op("Less", [value, constantLike(b, bound, value)]);
const where = (b: GraphBuilder, condition: Value, yes: number, no: Value): Value =>
  b.op("Where", [condition, constantLike(b, yes, no), no]);
/** 1 - value. */
const oneMinus = (b: GraphBuilder, value: Value): Value => b.op("Sub", [constantLike(b, 1, value), value]);

/** 1 strictly between the two saturations of a hard sigmoid, else 0. */
function inside(b: GraphBuilder, y: Value): Value {
  return maskOf(b, b.op("And", [greater(b, y, 0), less(b, y, 1)]), y);
}

/** Gelu'(x) = Phi(x) + x phi(x). Hendrycks and Gimpel 2016, arXiv:1606.08415. */
function geluSlope({ b, call, x }: Point): Value {
  if (readText(call.attributes, "approximate", "none") === "tanh") return geluTanhSlope(b, x);
  const phi = b.op("Exp", [scale(b, square(b, x), -0.5)]);
  const Phi = scale(b, add(b, b.op("Erf", [scale(b, x, Math.SQRT1_2)]), 1), 0.5);
  return b.op("Add", [Phi, b.op("Mul", [x, scale(b, phi, 1 / Math.sqrt(2 * Math.PI))])]);
}

/** y = x/2 (1 + t), t = tanh(u), u = c (x + a x^3): y' = (1 + t)/2 + x/2 (1 - t^2) c (1 + 3 a x^2). */
function geluTanhSlope(b: GraphBuilder, x: Value): Value {
  const [a, c] = [0.044715, Math.sqrt(2 / Math.PI)];
  const xx = square(b, x);
  const t = b.op("Tanh", [b.op("Mul", [x, add(b, scale(b, xx, a * c), c)])]);
  const inner = b.op("Mul", [x, add(b, scale(b, xx, 3 * a * c), c)]);
  const bent = b.op("Mul", [inner, oneMinus(b, square(b, t))]);
  return scale(b, b.op("Add", [add(b, t, 1), bent]), 0.5);
}

/** y = x t, t = tanh(softplus(x)): y' = t + x (1 - t^2) sigmoid(x). Misra 2019, arXiv:1908.08681. */
function mishSlope({ b, x }: Point): Value {
  const t = b.op("Tanh", [b.op("Softplus", [x])]);
  const bent = b.op("Mul", [b.op("Mul", [x, b.op("Sigmoid", [x])]), oneMinus(b, square(b, t))]);
  return b.op("Add", [t, bent]);
}

/** y = x h, h = clip(x/6 + 1/2, 0, 1): y' = h + x/6 inside. */
function hardSwishSlope({ b, x }: Point): Value {
  const line = add(b, scale(b, x, 1 / 6), 0.5);
  const h = b.op("Clip", [line, constantLike(b, 0, x), constantLike(b, 1, x)]);
  return b.op("Add", [h, b.op("Mul", [scale(b, x, 1 / 6), inside(b, h)])]);
}

function inferPRelu(call: OpCall): StaticType[] {
  const [x, slope] = sameTyped(call, 2) as [Value, Value];
  const shape = broadcastShapes(call, x.shape, slope.shape);
  if (shape.length !== x.shape.length || shape.some((d, i) => d !== x.shape[i])) {
    throw misfit(call, "the slope does not broadcast to the shape of the input");
  }
  return inferSame(call);
}

export const activationOps: readonly OpDefinition[] = [
  // From y, which the next layer reads anyway: x need not stay in memory.
  activation("Relu", ({ b, y }) => maskOf(b, greater(b, y, 0), y)),
  activation("LeakyRelu", ({ b, call, x, y }) => {
    const alpha = readFloat(call.attributes, "alpha", 0.01);
    // With a slope above 0, y has the sign of x: x need not stay in memory.
    const mask = maskOf(b, greater(b, alpha > 0 ? y : x, 0), x);
    // max(0 or 1, alpha) is alpha or 1: an op less.
    if (alpha >= 0 && alpha <= 1) return b.op("Max", [mask, constantLike(b, alpha, x)]);
    return add(b, scale(b, mask, 1 - alpha), alpha);
  }),
  activation("ThresholdedRelu", ({ b, call, x }) =>
    maskOf(b, greater(b, x, readFloat(call.attributes, "alpha", 1)), x),
  ),
  activation("Elu", ({ b, call, x, y }) =>
    // Below 0: alpha exp(x) = y + alpha.
    where(b, greater(b, x, 0), 1, add(b, y, readFloat(call.attributes, "alpha", 1))),
  ),
  activation("Selu", ({ b, call, x, y }) => {
    // ONNX's defaults are the float32 neighbours of Klambauer et al. 2017's constants.
    const alpha = readFloat(call.attributes, "alpha", 1.6732632423543772);
    const gamma = readFloat(call.attributes, "gamma", 1.0507009873554805);
    return where(b, greater(b, x, 0), gamma, add(b, y, gamma * alpha));
  }),
  activation("Celu", ({ b, call, x, y }) =>
    // Below 0: exp(x / alpha) = y / alpha + 1.
    where(b, greater(b, x, 0), 1, add(b, scale(b, y, 1 / readFloat(call.attributes, "alpha", 1)), 1)),
  ),
  activation("Sigmoid", ({ b, y }) => b.op("Mul", [y, oneMinus(b, y)])),
  activation("Tanh", ({ b, y }) => oneMinus(b, square(b, y))),
  activation("Softplus", ({ b, x }) => b.op("Sigmoid", [x])),
  activation("Softsign", ({ b, x }) => b.op("Reciprocal", [square(b, add(b, b.op("Abs", [x]), 1))])),
  activation("HardSigmoid", ({ b, call, y }) => scale(b, inside(b, y), readFloat(call.attributes, "alpha", 0.2))),
  activation("HardSwish", hardSwishSlope),
  activation("Gelu", geluSlope),
  activation("Mish", mishSlope),
  {
    op: "PRelu",
    infer: inferPRelu,
    gradient: ({ builder: b, inputs, gradients: [g], wants }) => {
      const [x, slope] = inputs as [Value, Value];
      const dx = (): Value => {
        const positive = b.op("Greater", [x, constantLike(b, 0, x)]);
        return b.op("Mul", [g, b.op("Where", [positive, constantLike(b, 1, x), slope])]);
      };
      const negative = (): Value => b.op("Min", [x, constantLike(b, 0, x)]);
      return [wants(0) ? dx() : undefined, wants(1) ? sumTo(b, b.op("Mul", [g, negative()]), slope.shape) : undefined];
    },
  },
];
