/** The update as a graph, for devices where the state never leaves the device. */
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { scalar } from "../graph/tensor.js";
import { writeModel } from "../graph/write.js";
import { createBuilder } from "../ops/registry.js";
import { averageInGraph, scalarNamesOf, type UpdateScalarName, updateInGraph } from "../optim/graph.js";
import { momentsOf } from "../optim/rules.js";
import type { UpdateRule } from "../optim/types.js";
import type { BufferSlot, ParameterSlot, UpdateProgram } from "../runtime/types.js";
import { asModel } from "./compile.js";

export interface UpdateOptions {
  readonly rule: UpdateRule;
  /** Global-norm clipping threshold (Pascanu et al., ICML 2013); 0 is off. */
  readonly clipNorm: number;
  /** Micro-batches a step, whose gradients arrive summed. */
  readonly accumulate: number;
  /** Buffers that are averaged along with the parameters; absent: nothing is averaged. */
  readonly averagedBuffers?: readonly BufferSlot[];
}

/** Keeps clipping defined for a zero gradient; the value PyTorch's clip_grad_norm_ adds. */
const NORM_FLOOR = 1e-6;

/** Compiles the update of these parameters. Operation for operation what the kernels do on the CPU. */
export function compileUpdate(parameters: readonly ParameterSlot[], options: UpdateOptions): UpdateProgram {
  const { rule, clipNorm, accumulate, averagedBuffers } = options;
  const b = createBuilder("update");
  const scalars = scalarNamesOf(rule).map((name) => ({ name, value: b.input(`update/scalar/${name}`, "float32", []) }));
  const values = Object.fromEntries(scalars.map((s) => [s.name, s.value])) as Record<UpdateScalarName, Value>;
  const inputs = parameters.map((p) => ({
    slot: p,
    parameter: b.input(p.name, "float32", p.shape),
    sum: b.input(`update/gradient/${p.name}`, "float32", p.shape),
    moments: Array.from({ length: momentsOf(rule) }, (_, i) =>
      b.input(`update/moment/${p.name}/${i}`, "float32", p.shape),
    ),
  }));
  const constant = (value: number): Value => b.constant(scalar(value));
  const total = totalOf(
    b,
    inputs.map(({ sum }) => b.op("ReduceSumSquare", [sum], { keepdims: int(0) })),
  );
  const norm = b.op("Mul", [b.op("Sqrt", [total]), constant(1 / accumulate)]);
  b.output(norm, "update/norm");
  const clipped =
    clipNorm > 0 &&
    b.op("Min", [constant(1), b.op("Div", [constant(clipNorm), b.op("Add", [norm, constant(NORM_FLOOR)])])]);
  const factor = clipped ? b.op("Mul", [clipped, constant(1 / accumulate)]) : constant(1 / accumulate);
  const scaled = clipped || accumulate > 1;
  const slots = inputs.map(({ slot, parameter, sum, moments }) => {
    const gradient = scaled ? b.op("Mul", [sum, factor]) : sum;
    const made = updateInGraph(b, rule, { parameter, gradient, moments, decay: slot.decay, scalars: values });
    b.output(made.parameter, `update/new/${slot.name}`);
    for (const [i, m] of made.moments.entries()) b.output(m, `update/new-moment/${slot.name}/${i}`);
    return {
      name: slot.name,
      gradient: sum.name,
      moments: moments.map((m) => m.name),
      updated: `update/new/${slot.name}`,
      updatedMoments: moments.map((_, i) => `update/new-moment/${slot.name}/${i}`),
    };
  });
  return {
    graph: writeModel(asModel(b.build())),
    parameters: slots,
    scalars: scalars.map(({ name, value }) => ({ field: name, input: value.name })),
    norm: "update/norm",
    accumulate: accumulate > 1 ? accumulation(parameters) : undefined,
    average: averagedBuffers && averaging([...parameters, ...averagedBuffers]),
  };
}

/** Moves averages towards new values: average/n, value/n -> averaged/n. */
function averaging(slots: readonly Pick<ParameterSlot, "name" | "shape">[]): Uint8Array {
  const b = createBuilder("average");
  const rate = b.input("average/rate", "float32", []);
  for (const { name, shape } of slots) {
    const [average, value] = [b.input(`average/${name}`, "float32", shape), b.input(`value/${name}`, "float32", shape)];
    b.output(averageInGraph(b, average, value, rate), `averaged/${name}`);
  }
  return writeModel(asModel(b.build()));
}

/** Sums of the gradients of two micro-batches: sum/p + gradient/p -> total/p. */
function accumulation(parameters: readonly ParameterSlot[]): Uint8Array {
  const b = createBuilder("accumulate");
  for (const { name, shape } of parameters) {
    const [sum, gradient] = [b.input(`sum/${name}`, "float32", shape), b.input(`gradient/${name}`, "float32", shape)];
    b.output(b.op("Add", [sum, gradient]), `total/${name}`);
  }
  return writeModel(asModel(b.build()));
}

/** Pairwise, because providers differ in how many inputs one op may have. */
function totalOf(b: GraphBuilder, values: readonly Value[]): Value {
  if (values.length === 1) return values[0] as Value;
  const half = values.length >> 1;
  return b.op("Add", [totalOf(b, values.slice(0, half)), totalOf(b, values.slice(half))]);
}
