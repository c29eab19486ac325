/** Comparisons and logic: bool results, no gradient. */
import type { OpCall, StaticType } from "../graph/builder.js";
import type { OpDefinition } from "./definition.js";
import { foldable, foldElementwise } from "./fold.js";
import { inferPair, inferSame, misfit, required, typeOf } from "./support.js";

type Scalar = number | bigint;

function inferBool(call: OpCall): StaticType[] {
  const infer = call.op === "Not" ? inferSame : inferPair;
  return [typeOf("bool", infer(call)[0]?.shape ?? [])];
}

function compare(op: string, f: (a: Scalar, b: Scalar) => boolean): OpDefinition {
  return {
    op,
    infer: inferBool,
    gradient: "zero",
    evaluate: (call) => {
      const tensors = foldable(call);
      return tensors && foldElementwise(call, tensors, "bool", (a, b) => f(a as Scalar, b as Scalar));
    },
  };
}

function logic(op: string, f: (a: boolean, b: boolean) => boolean): OpDefinition {
  return {
    ...compare(op, (a, b) => f(Boolean(a), Boolean(b))),
    infer: (call) => {
      if (call.inputs.some((v) => v && v.dtype !== "bool")) throw misfit(call, "an input is not bool");
      return inferBool(call);
    },
  };
}

/** IsNaN, IsInf. */
const test = (op: string): OpDefinition => ({
  op,
  infer: (call) => [typeOf("bool", required(call, 0).shape)],
  gradient: "zero",
});

export const comparisonOps: readonly OpDefinition[] = [
  compare("Equal", (a, b) => a === b),
  compare("Greater", (a, b) => a > b),
  compare("GreaterOrEqual", (a, b) => a >= b),
  compare("Less", (a, b) => a < b),
  compare("LessOrEqual", (a, b) => a <= b),
  logic("And", (a, b) => a && b),
  logic("Or", (a, b) => a || b),
  logic("Xor", (a, b) => a !== b),
  logic("Not", (a) => !a),
  test("IsNaN"),
  test("IsInf"),
];
