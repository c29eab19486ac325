/**
 * Update rules as graph fragments, for devices where the state must stay on the device. Operation for operation the
 * kernels of runtime/kernels.wat, so both give the same parameters.
 */
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { scalar } from "../graph/tensor.js";
import type { AdamRule, SgdRule, UpdateRule, UpdateScalars } from "./types.js";

/** Names of the float32 scalars that change from step to step: fields of `UpdateScalars`. */
export type UpdateScalarName = "lr" | "momentum" | "rate1" | "stepSize" | "inverseRoot" | "shrink";

export interface GraphUpdate {
  /** Static shape, float32. */
  readonly parameter: Value;
  /** Same shape; already averaged and clipped. */
  readonly gradient: Value;
  /** `momentsOf(rule)` values of the same shape. */
  readonly moments: readonly Value[];
  /** Whether weight decay applies to this parameter. */
  readonly decay: boolean;
  /** float32 scalars, one for each of `scalarNamesOf(rule)`; usually shared by all parameters. */
  readonly scalars: Readonly<Partial<Record<UpdateScalarName, Value>>>;
}

export interface GraphUpdateResult {
  readonly parameter: Value;
  readonly moments: readonly Value[];
}

/** The scalars a rule takes at run time, in the words of `UpdateScalars`. */
export function scalarNamesOf(rule: UpdateRule): readonly UpdateScalarName[] {
  return rule.kind === "sgd" ? ["lr", "momentum"] : ["rate1", "stepSize", "inverseRoot", "shrink"];
}

/** Values of those scalars, in order. */
export function scalarValuesOf(rule: UpdateRule, scalars: UpdateScalars): number[] {
  const values = scalars as unknown as Readonly<Record<UpdateScalarName, number>>;
  return scalarNamesOf(rule).map((name) => values[name]);
}

/** Appends one parameter's update to a graph. */
export function updateInGraph(b: GraphBuilder, rule: UpdateRule, update: GraphUpdate): GraphUpdateResult {
  const take = (name: UpdateScalarName): Value => {
    const value = update.scalars[name];
    if (!value) throw new Error(`update of "${update.parameter.name}": the scalar "${name}" is missing`);
    return value;
  };
  return rule.kind === "sgd" ? sgd(b, rule, update, take) : adam(b, rule, update, take);
}

/** Keeps clipping defined for a zero gradient; the value PyTorch's clip_grad_norm_ adds, and the kernels' path too. */
const NORM_FLOOR = 1e-6;

/**
 * Clips gradients by their common L2 norm: g min(1, limit / (norm + 1e-6)). Pascanu et al., ICML 2013.
 * @param gradients of all parameters, already averaged over micro-batches
 * @param limit float32 scalar []
 * @returns the clipped gradients, and the norm before clipping []
 */
export function clipInGraph(
  b: GraphBuilder,
  gradients: readonly Value[],
  limit: Value,
): { readonly gradients: readonly Value[]; readonly norm: Value } {
  const squares = gradients.map((g) => b.op("ReduceSumSquare", [g], { keepdims: int(0) }));
  const norm = b.op("Sqrt", [squares.reduce((sum, s) => b.op("Add", [sum, s]))]);
  const factor = b.op("Min", [b.op("Div", [limit, b.op("Add", [norm, constant(b, NORM_FLOOR)])]), constant(b, 1)]);
  return { gradients: gradients.map((g) => b.op("Mul", [g, factor])), norm };
}

/**
 * One step of a weight average, as the kernel `approach` does it: average + rate (value - average).
 * @param average and `value` of the same static shape
 * @param rate float32 scalar []: 1 - decay
 */
export function averageInGraph(b: GraphBuilder, average: Value, value: Value, rate: Value): Value {
  return b.op("Add", [average, b.op("Mul", [b.op("Sub", [value, average]), rate])]);
}

type Take = (name: UpdateScalarName) => Value;

function sgd(b: GraphBuilder, rule: SgdRule, update: GraphUpdate, take: Take): GraphUpdateResult {
  const { parameter } = update;
  const g = withDecay(b, update, rule.weightDecay);
  const v = b.op("Add", [b.op("Mul", [update.moments[0], take("momentum")]), g]);
  const direction = rule.nesterov ? b.op("Add", [g, b.op("Mul", [v, take("momentum")])]) : v;
  return { parameter: b.op("Sub", [parameter, b.op("Mul", [direction, take("lr")])]), moments: [v] };
}

function adam(b: GraphBuilder, rule: AdamRule, update: GraphUpdate, take: Take): GraphUpdateResult {
  const [first, second] = update.moments as [Value, Value];
  const g = rule.kind === "adam" ? withDecay(b, update, rule.weightDecay) : update.gradient;
  const m = b.op("Add", [first, b.op("Mul", [b.op("Sub", [g, first]), take("rate1")])]);
  const v = b.op("Add", [
    b.op("Mul", [second, constant(b, rule.beta2)]),
    b.op("Mul", [b.op("Mul", [g, g]), constant(b, 1 - rule.beta2)]),
  ]);
  const root = b.op("Mul", [b.op("Sqrt", [v]), take("inverseRoot")]);
  const ratio = b.op("Div", [m, b.op("Add", [root, constant(b, rule.epsilon)])]);
  const shrinks = rule.kind === "adamw" && update.decay && rule.weightDecay !== 0;
  const kept = shrinks ? b.op("Mul", [update.parameter, take("shrink")]) : update.parameter;
  return { parameter: b.op("Sub", [kept, b.op("Mul", [ratio, take("stepSize")])]), moments: [m, v] };
}

/** L2 weight decay: g + wd p. */
function withDecay(b: GraphBuilder, update: GraphUpdate, weightDecay: number): Value {
  if (!update.decay || weightDecay === 0) return update.gradient;
  return b.op("Add", [update.gradient, b.op("Mul", [update.parameter, constant(b, weightDecay)])]);
}

const constant = (b: GraphBuilder, value: number): Value => b.constant(scalar(value));
