/** Looking values up by index. Gradients scatter with reduction add; ScatterND would race when indices repeat. */
import { int, readInt, text } from "../graph/attributes.js";
import type { OpCall, Value } from "../graph/builder.js";
import { numbersOf, sizeOf, tensor } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { expand, misfit, normaliseAxis, required, reshape, typeOf } from "./support.js";
import { zeros } from "./shape.js";

const axisOf = (call: OpCall): number =>
  normaliseAxis(call, readInt(call.attributes, "axis", 0), required(call, 0).shape.length);

function inferGather(call: OpCall) {
  const x = required(call, 0);
  const axis = axisOf(call);
  return [typeOf(x.dtype, [...x.shape.slice(0, axis), ...required(call, 1).shape, ...x.shape.slice(axis + 1)])];
}

function foldGather(call: OpCall): Tensor[] | undefined {
  const [x, indices] = call.constants;
  if (!x || !indices || x.shape.length !== 1 || (x.dtype !== "int64" && x.dtype !== "int32")) return undefined;
  const values = numbersOf(x);
  const picked = numbersOf(indices).map((i) => values[i < 0 ? i + values.length : i]);
  if (picked.some((v) => v === undefined)) throw misfit(call, `an index is outside the ${values.length} values`);
  return [tensor(x.dtype, picked as number[], indices.shape)];
}

/** Indices spread to the output's shape: what ScatterElements takes. */
function gatherGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const [x, indices] = c.inputs as [Value, Value];
  const axis = axisOf(c.call);
  const count = sizeOf(indices.shape);
  const flat = [...x.shape.slice(0, axis), count, ...x.shape.slice(axis + 1)];
  const spread = expand(
    b,
    reshape(
      b,
      indices,
      flat.map((_, i) => (i === axis ? count : 1)),
    ),
    flat,
  );
  const g = reshape(b, c.gradients[0] as Value, flat);
  return [b.op("ScatterElements", [zeros(b, x), spread, g], { axis: int(axis), reduction: text("add") }), undefined];
}

function scatterGradient(c: GradientContext): (Value | undefined)[] {
  const reduction = c.call.attributes.reduction;
  if (reduction?.kind !== "string" || reduction.value !== "add")
    throw misfit(c.call, "gradient rule for reduction add only");
  const b = c.builder;
  const g = c.gradients[0] as Value;
  return [
    g,
    undefined,
    c.wants(2) ? b.op("GatherElements", [g, c.inputs[1]], { axis: int(axisOf(c.call)) }) : undefined,
  ];
}

export const gatherOps: readonly OpDefinition[] = [
  { op: "Gather", infer: inferGather, gradient: gatherGradient, evaluate: foldGather },
  {
    op: "GatherElements",
    infer: (call) => [typeOf(required(call, 0).dtype, required(call, 1).shape)],
    gradient: (c) => [
      c.builder.op("ScatterElements", [zeros(c.builder, c.inputs[0] as Value), c.inputs[1], c.gradients[0]], {
        axis: int(axisOf(c.call)),
        reduction: text("add"),
      }),
      undefined,
    ],
  },
  {
    op: "ScatterElements",
    infer: (call) => [typeOf(required(call, 0).dtype, required(call, 0).shape)],
    gradient: scatterGradient,
    note: "gradient for reduction add only",
  },
];
