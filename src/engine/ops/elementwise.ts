/** Elementwise arithmetic with NumPy broadcasting. */
import { constantTensor } from "../graph/constants.js";
import { int, readInt } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { isFloat } from "../graph/tensor.js";
import type { DType, Tensor } from "../graph/types.js";
import type { GradientContext, GradientRule, OpDefinition } from "./definition.js";
import { foldArithmetic, foldable, foldElementwise } from "./fold.js";
import {
  constantLike,
  dtypeOfCode,
  inferBroadcast,
  inferPair,
  inferSame,
  maskOf,
  misfit,
  required,
  sameTyped,
  scale,
  sumTo,
  typeCode,
  typeOf,
} from "./support.js";

/** d loss / d output 0: rules here have one output, so it is always there. */
const upstream = (c: GradientContext): Value => c.gradients[0] as Value;
const operand = (c: GradientContext, i: number): Value => c.inputs[i] as Value;

/** A rule of one operand: `f` gives g times the local derivative. */
function unary(op: string, f: (b: GraphBuilder, g: Value, x: Value, y: Value) => Value): OpDefinition {
  return {
    op,
    infer: inferSame,
    gradient: (c) => [f(c.builder, upstream(c), operand(c, 0), c.outputs[0] as Value)],
  };
}

/** A rule of n broadcast operands: `f` gives the gradient of operand i at the output's shape. */
function broadcasting(f: (c: GradientContext, g: Value, i: number) => Value): GradientRule {
  return (c) => c.inputs.map((x, i) => (x && c.wants(i) ? sumTo(c.builder, f(c, upstream(c), i), x.shape) : undefined));
}

/** Steps: the derivative is zero almost everywhere. */
const step = (op: string): OpDefinition => ({ op, infer: inferSame, gradient: "zero" });

/** Max and Min: tied operands share the gradient equally, as PyTorch's `maximum` and `amax` do. */
function extremum(op: "Max" | "Min", pick: (a: number | bigint, b: number | bigint) => boolean): OpDefinition {
  return {
    op,
    infer: inferBroadcast,
    gradient: ({ builder: b, inputs, outputs, gradients, wants }) => {
      const y = outputs[0] as Value;
      const masks = inputs.map((x) => maskOf(b, b.op("Equal", [x, y]), y));
      const tied = masks.length > 1 ? b.op("Sum", masks) : (masks[0] as Value);
      const share = b.op("Div", [gradients[0], tied]);
      return inputs.map((x, i) => (x && wants(i) ? sumTo(b, b.op("Mul", [share, masks[i]]), x.shape) : undefined));
    },
    evaluate: (call) => {
      const tensors = foldable(call);
      return (
        tensors &&
        foldElementwise(call, tensors, (tensors[0] as Tensor).dtype, (...v) => v.reduce((a, x) => (pick(x, a) ? x : a)))
      );
    },
    note: "tied operands share the gradient equally",
  };
}

const foldDivision = foldArithmetic(
  (a, b) => a / b,
  (a, b) => a / b,
  (a, b) => Math.trunc(a / b),
);

const foldModulo = foldArithmetic(
  (a, b) => ((a % b) + b) % b,
  (a, b) => ((a % b) + b) % b,
);

/** Division by zero stays in the graph: for integers ONNX leaves it undefined. */
function unlessByZero(fold: NonNullable<OpDefinition["evaluate"]>): NonNullable<OpDefinition["evaluate"]> {
  return (call) => {
    const divisor = call.constants[1]?.data as ArrayLike<number | bigint> | undefined;
    return divisor && !Array.from(divisor, Number).includes(0) ? fold(call) : undefined;
  };
}

const arithmetic: readonly OpDefinition[] = [
  {
    op: "Add",
    infer: inferPair,
    gradient: broadcasting((_, g) => g),
    evaluate: foldArithmetic(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  },
  {
    op: "Sub",
    infer: inferPair,
    gradient: ({ builder: b, inputs: [x, y], gradients: [g], wants }) => [
      wants(0) ? sumTo(b, g as Value, (x as Value).shape) : undefined,
      // Negated after the sum: the smaller tensor.
      wants(1) ? b.op("Neg", [sumTo(b, g as Value, (y as Value).shape)]) : undefined,
    ],
    evaluate: foldArithmetic(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  },
  {
    op: "Mul",
    infer: inferPair,
    gradient: broadcasting((c, g, i) => c.builder.op("Mul", [g, operand(c, 1 - i)])),
    evaluate: foldArithmetic(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  },
  {
    op: "Div",
    infer: inferPair,
    gradient: ({ builder: b, inputs: [x, y], outputs: [q], gradients: [g], wants }) => {
      const share = b.op("Div", [g, y]);
      return [
        wants(0) ? sumTo(b, share, (x as Value).shape) : undefined,
        wants(1) ? b.op("Neg", [sumTo(b, b.op("Mul", [share, q]), (y as Value).shape)]) : undefined,
      ];
    },
    evaluate: unlessByZero(foldDivision),
  },
  {
    op: "Mod",
    infer: inferPair,
    // y = a - b trunc(a / b), and the truncated quotient is (a - y) / b.
    gradient: ({ builder: b, inputs: [x, d], outputs: [y], gradients: [g], wants }) => {
      const gradient = g as Value;
      const quotient = (): Value => b.op("Div", [b.op("Sub", [x, y]), d]);
      return [
        wants(0) ? sumTo(b, gradient, (x as Value).shape) : undefined,
        wants(1) ? b.op("Neg", [sumTo(b, b.op("Mul", [gradient, quotient()]), (d as Value).shape)]) : undefined,
      ];
    },
    // Python's sign (that of the divisor); with fmod C's, which only floats use.
    evaluate: (call) => (readInt(call.attributes, "fmod", 0) === 1 ? undefined : unlessByZero(foldModulo)(call)),
    note: "jumps of the quotient have gradient 0",
  },
  { op: "Pow", infer: inferPow, gradient: powGradient, note: "the gradient of the exponent is 0 if the base is 0" },
  extremum("Max", (candidate, best) => candidate > best),
  extremum("Min", (candidate, best) => candidate < best),
  { op: "Sum", infer: inferBroadcast, gradient: broadcasting((_, g) => g) },
  {
    op: "Mean",
    infer: inferBroadcast,
    gradient: ({ builder: b, inputs, gradients: [g], wants }) => {
      const share = scale(b, g as Value, 1 / inputs.length);
      return inputs.map((x, i) => (x && wants(i) ? sumTo(b, share, x.shape) : undefined));
    },
  },
];

/** The exponent may be of another type; the result has the base's. */
function inferPow(call: OpCall): StaticType[] {
  const [x, e] = [required(call, 0), required(call, 1)];
  return [typeOf(x.dtype, inferPair({ ...call, inputs: [x, { ...e, dtype: x.dtype }] })[0]?.shape ?? [])];
}

function powGradient(c: GradientContext): (Value | undefined)[] {
  const { builder: b, call, wants } = c;
  const [x, y, g] = [operand(c, 0), c.outputs[0] as Value, upstream(c)];
  const given = operand(c, 1);
  const e = given.dtype === x.dtype ? given : b.op("Cast", [given], { to: int(typeCode(x.dtype)) });
  const known = call.constants[1];
  const exponent = known && known.data.length === 1 ? Number(known.data[0]) : undefined;
  const zero = constantLike(b, 0, x);
  const base = (): Value => {
    if (exponent === 0) return b.op("Mul", [g, zero]);
    if (exponent === 1) return g;
    if (exponent === 2) return b.op("Mul", [g, scale(b, x, 2)]);
    const power = b.op("Pow", [x, b.op("Sub", [e, constantLike(b, 1, x)])]);
    const slope = b.op("Mul", [e, power]);
    // 0 * 0^-1 would be NaN.
    return b.op("Mul", [g, exponent === undefined ? b.op("Where", [b.op("Equal", [e, zero]), zero, slope]) : slope]);
  };
  // y log x tends to 0 as x does; at x = 0 itself log is -Inf.
  const power = (): Value => {
    const slope = b.op("Mul", [y, b.op("Log", [x])]);
    return b.op("Mul", [g, b.op("Where", [b.op("Equal", [x, zero]), zero, slope])]);
  };
  return [
    wants(0) ? sumTo(b, base(), x.shape) : undefined,
    wants(1) && isFloat(given.dtype) ? sumTo(b, power(), given.shape) : undefined,
  ];
}

const functions: readonly OpDefinition[] = [
  {
    ...unary("Neg", (b, g) => b.op("Neg", [g])),
    evaluate: (call) => {
      const [x] = foldable(call) ?? [];
      return x && foldElementwise(call, [x], x.dtype, (a) => -a);
    },
  },
  unary("Abs", (b, g, x) => b.op("Mul", [g, b.op("Sign", [x])])),
  unary("Sqrt", (b, g, _, y) => b.op("Div", [scale(b, g, 0.5), y])),
  unary("Reciprocal", (b, g, _, y) => b.op("Neg", [b.op("Mul", [g, b.op("Mul", [y, y])])])),
  unary("Exp", (b, g, _, y) => b.op("Mul", [g, y])),
  unary("Log", (b, g, x) => b.op("Div", [g, x])),
  unary("Sin", (b, g, x) => b.op("Mul", [g, b.op("Cos", [x])])),
  unary("Cos", (b, g, x) => b.op("Neg", [b.op("Mul", [g, b.op("Sin", [x])])])),
  unary("Erf", (b, g, x) => {
    const bell = b.op("Exp", [b.op("Neg", [b.op("Mul", [x, x])])]);
    return b.op("Mul", [g, scale(b, bell, 2 / Math.sqrt(Math.PI))]);
  }),
  { ...unary("Identity", (_, g) => g), evaluate: (call) => (call.constants[0] ? [call.constants[0]] : undefined) },
  step("Sign"),
  { ...step("Floor"), evaluate: foldRounding(Math.floor) },
  { ...step("Ceil"), evaluate: foldRounding(Math.ceil) },
  step("Round"),
];

function foldRounding(f: (v: number) => number): (call: OpCall) => readonly Tensor[] | undefined {
  return (call) => {
    const [x] = foldable(call) ?? [];
    return x && foldElementwise(call, [x], x.dtype, (v) => f(v as number));
  };
}

const selection: readonly OpDefinition[] = [
  {
    op: "Where",
    infer: (call) => {
      const [condition, a, d] = [required(call, 0), required(call, 1), required(call, 2)];
      if (condition.dtype !== "bool") throw misfit(call, `the condition is ${condition.dtype}`, "bool");
      if (a.dtype !== d.dtype) throw misfit(call, "the branches have different element types");
      return [
        typeOf(a.dtype, inferBroadcast({ ...call, inputs: [{ ...condition, dtype: a.dtype }, a, d] })[0]?.shape ?? []),
      ];
    },
    gradient: (c) => {
      const { builder: b, wants } = c;
      const g = upstream(c);
      const [condition, a, d] = [operand(c, 0), operand(c, 1), operand(c, 2)];
      const zero = constantLike(b, 0, g);
      return [
        undefined,
        wants(1) ? sumTo(b, b.op("Where", [condition, g, zero]), a.shape) : undefined,
        wants(2) ? sumTo(b, b.op("Where", [condition, zero, g]), d.shape) : undefined,
      ];
    },
    evaluate: (call) => {
      const tensors = foldable(call);
      return (
        tensors && foldElementwise(call, tensors, (tensors[1] as Tensor).dtype, (k, a, d) => (k ? a : d) as number)
      );
    },
  },
  {
    op: "Clip",
    infer: (call) => {
      sameTyped({ ...call, inputs: call.inputs.filter((v) => v !== undefined) }, 1);
      if (call.inputs.slice(1).some((v) => v && v.shape.length > 0))
        throw misfit(call, "a bound is not a single number");
      return inferSame(call);
    },
    gradient: clipGradient,
    // Strictly: Clip to [0, 6] is how ReLU6 arrives, and its derivative at 0 is ReLU's.
    note: "the gradient passes only strictly between the bounds",
  },
];

function clipGradient(c: GradientContext): (Value | undefined)[] {
  const { builder: b, inputs, wants } = c;
  const [, low, high] = inputs;
  const [x, y, g] = [operand(c, 0), c.outputs[0] as Value, upstream(c)];
  const through = (condition: Value): Value => b.op("Mul", [g, maskOf(b, condition, g)]);
  const within = (): Value => {
    // y lies strictly between the bounds where x does, and x need not stay in memory.
    const above = low && b.op("Greater", [y, low]);
    const below = high && b.op("Less", [y, high]);
    if (above && below) return through(b.op("And", [above, below]));
    const one = above ?? below;
    return one ? through(one) : g;
  };
  return [
    wants(0) ? within() : undefined,
    wants(1) && low ? sumTo(b, through(b.op("Greater", [y, x])), []) : undefined,
    wants(2) && high ? sumTo(b, through(b.op("Less", [y, x])), []) : undefined,
  ];
}

const typing: readonly OpDefinition[] = [
  {
    op: "Cast",
    infer: (call) => {
      const to = dtypeOfCode(readInt(call.attributes, "to", 0));
      if (!to) throw misfit(call, 'the attribute "to" names an unknown element type');
      return [typeOf(to, required(call, 0).shape)];
    },
    gradient: castBack,
    evaluate: (call) => foldCast(call, dtypeOfCode(readInt(call.attributes, "to", 0))),
  },
  {
    op: "CastLike",
    infer: (call) => [typeOf(required(call, 1).dtype, required(call, 0).shape)],
    gradient: castBack,
    evaluate: (call) => foldCast({ ...call, constants: [call.constants[0]] }, call.inputs[1]?.dtype),
  },
  {
    op: "Constant",
    infer: (call) => {
      const t = constantTensor(call.attributes);
      if (!t)
        throw misfit(call, "its value is of an unknown kind", "a tensor, an int, a float or a list of ints or floats");
      return [t];
    },
    gradient: "zero",
    evaluate: (call) => {
      const t = constantTensor(call.attributes);
      return t && [t];
    },
  },
];

function castBack({ builder: b, inputs: [x], gradients: [g] }: GradientContext): (Value | undefined)[] {
  const from = (x as Value).dtype;
  return [isFloat(from) ? b.op("Cast", [g], { to: int(typeCode(from)) }) : undefined];
}

function foldCast(call: OpCall, to: DType | undefined): readonly Tensor[] | undefined {
  const [x] = foldable(call) ?? [];
  if (!x || !to || to === "string" || to === "float16" || to === "bfloat16") return undefined;
  if (!isFloat(to) && isFloat(x.dtype) && !(x.data as Float64Array).every(Number.isFinite)) return undefined;
  // Result too long to be a known float: leave the node where it is.
  if (isFloat(to) && !foldable({ ...call, constants: [{ ...x, dtype: to }] })) return undefined;
  return foldElementwise(call, [x], to, (v) => {
    if (to === "bool") return v !== 0 && v !== 0n;
    return isFloat(to) || typeof v === "bigint" ? v : Math.trunc(v as number);
  });
}

export const elementwiseOps: readonly OpDefinition[] = [...arithmetic, ...functions, ...selection, ...typing];
