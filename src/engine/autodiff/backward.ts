/** Reverse-mode differentiation over a graph under construction. Knows no op: rules come from a lookup. */

import { InputError } from "../../base/errors.js";
import type { BuiltCall, GraphBuilder, Value } from "../graph/builder.js";
import { scalar, sizeOf, tensor } from "../graph/tensor.js";
import type { GradientRule } from "../ops/definition.js";
import { quote } from "../../base/quote.js";

/** A rule, "zero" where the derivative vanishes, undefined where limbeck has none. */
export type RuleLookup = (call: BuiltCall) => GradientRule | "zero" | undefined;

/**
 * Appends d loss / d x for each x in `wrt` to the builder.
 * @param loss a float scalar []
 * @param seed d objective / d loss, default 1
 * @returns for each x a value of x's shape, or undefined where the loss does not depend on x
 * @throws InputError naming the node when a gradient must pass an op without a rule
 */
export function backward(
  b: GraphBuilder,
  rules: RuleLookup,
  loss: Value,
  wrt: readonly Value[],
  seed?: Value,
): (Value | undefined)[] {
  if (loss.shape.length !== 0) throw new Error(`backward: the loss "${loss.name}" is not a scalar but [${loss.shape}]`);
  const calls = [...b.calls];
  const active = dependents(calls, wrt);
  if (!active.has(loss.name)) return wrt.map(() => undefined);
  const gradients = new Map<string, Value>([[loss.name, seed ?? b.constant(scalar(1, loss.dtype))]]);
  b.scope("backward", () => {
    for (let i = calls.length - 1; i >= 0; i--) {
      const call = calls[i] as BuiltCall;
      const outputGradients = call.outputs.map((o) => gradients.get(o.name));
      if (outputGradients.every((g) => g === undefined)) continue;
      if (!call.inputs.some((v) => v && active.has(v.name))) continue;
      propagate(b, rules, call, outputGradients, active, gradients);
    }
  });
  return wrt.map((x) => gradients.get(x.name));
}

/** Names of the float values that depend on any of `sources`. */
function dependents(calls: readonly BuiltCall[], sources: readonly Value[]): Set<string> {
  const active = new Set(sources.map((v) => v.name));
  for (const call of calls) {
    if (!call.inputs.some((v) => v && active.has(v.name))) continue;
    for (const o of call.outputs) if (o.dtype.startsWith("float")) active.add(o.name);
  }
  return active;
}

function propagate(
  b: GraphBuilder,
  rules: RuleLookup,
  call: BuiltCall,
  outputGradients: readonly (Value | undefined)[],
  active: ReadonlySet<string>,
  gradients: Map<string, Value>,
): void {
  const rule = rules(call);
  if (rule === "zero") return;
  if (!rule) {
    const full = call.domain ? `${call.domain}.${call.op}` : call.op;
    throw new InputError({
      code: "gradient-missing",
      where: `node ${quote(call.name)}`,
      found: `the op ${full} has no gradient rule, and a trainable parameter lies before it`,
      expected: "an op that docs/ops.md lists with a gradient rule",
      cure: "Freeze the parameters before this node, or replace the op",
    });
  }
  const wants = (i: number): boolean => {
    const v = call.inputs[i];
    return v !== undefined && active.has(v.name);
  };
  const inputGradients = b.scope(call.name.replaceAll("/", "."), () =>
    rule({ builder: b, call, inputs: call.inputs, outputs: call.outputs, gradients: outputGradients, wants }),
  );
  call.inputs.forEach((input, i) => {
    const gradient = inputGradients[i];
    if (!input || !gradient || !wants(i)) return;
    if (gradient.shape.length !== input.shape.length || gradient.shape.some((d, k) => d !== input.shape[k])) {
      throw new Error(`gradient rule of ${call.op} gave [${gradient.shape}] for input ${i} of shape [${input.shape}]`);
    }
    const sofar = gradients.get(input.name);
    gradients.set(input.name, sofar ? b.op("Add", [sofar, gradient]) : gradient);
  });
}

/** A constant zero of a value's shape: the gradient of something the loss does not depend on. */
export function zerosLike(b: GraphBuilder, value: Value): Value {
  const size = sizeOf(value.shape);
  return b.constant(tensor(value.dtype, new Float32Array(size), value.shape));
}
