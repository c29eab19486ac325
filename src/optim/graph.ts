/**
 * Update rules as graph fragments, for devices where the state must stay on the device. Operation for operation the
 * kernels of runtime/kernels.wat, so both give the same parameters.
 */
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
