/** Turns a graph in inference form into its training form while it is replayed: batch statistics, masks of dropout and stochastic depth. */
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { float, readFloat, readInt } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, Rewrite, Value } from "../graph/builder.js";
import { numbersOf, sizeOf } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import { reshape } from "../ops/support.js";
import type { MaskInput } from "../runtime/types.js";

export interface TrainingModeResult {
  readonly rewrite: Rewrite;
  /** New values of running statistics, by the buffer's name: filled while replaying. */
  readonly updates: Map<string, Value>;
  /** Masks to feed: filled while replaying. */
  readonly masks: MaskInput[];
}

/**
 * @param buffers names of the running statistics that training updates; a BatchNormalization whose mean and variance
 *   are not among them stays in inference form
 */
export function trainingMode(buffers: ReadonlySet<string>): TrainingModeResult {
  const updates = new Map<string, Value>();
  const masks: MaskInput[] = [];
  const rewrite: Rewrite = (call, b) => {
    if (call.domain === "" && call.op === "BatchNormalization") return batchNorm(call, b, buffers, updates);
    if (call.domain === "" && call.op === "Dropout") return dropout(call, b, masks);
    if (call.domain === ABSTRACT_DOMAIN && call.op === "DropPath") return dropPath(call, b, masks);
    return undefined;
  };
  return { rewrite, updates, masks };
}

function batchNorm(
  call: OpCall,
  b: GraphBuilder,
  buffers: ReadonlySet<string>,
  updates: Map<string, Value>,
): readonly Value[] | undefined {
  const [x, scale, bias, mean, variance] = call.inputs as Value[];
  if (!mean || !variance || !buffers.has(mean.name) || !buffers.has(variance.name)) return undefined;
  if (updates.has(mean.name)) {
    throw new InputError({
      code: "model-unsupported",
      where: `node ${quote(call.name)} (${call.op})`,
      found: `its running mean ${quote(mean.name)} also belongs to another batch norm`,
      expected: "statistics of its own for each batch norm that is trained",
      cure: "Freeze one of the two",
    });
  }
  const attributes = {
    epsilon: float(readFloat(call.attributes, "epsilon", 1e-5)),
    momentum: float(readFloat(call.attributes, "momentum", 0.9)),
  };
  const outputs = b.ops("BatchNormalizationTraining", [x, scale, bias, mean, variance], attributes, {
    name: call.name,
    domain: ABSTRACT_DOMAIN,
  });
  updates.set(mean.name, outputs[3] as Value);
  updates.set(variance.name, outputs[4] as Value);
  return [outputs[0] as Value];
}

/** y = x * mask with mask 0 or 1 / (1 - rate), fed at every step so that a killed run resumes to the same bytes. */
function dropout(call: OpCall, b: GraphBuilder, masks: MaskInput[]): readonly Value[] {
  const x = call.inputs[0] as Value;
  const known = call.constants[1];
  const rate = known ? (numbersOf(known)[0] as number) : call.inputs[1] ? Number.NaN : 0.5;
  if (Number.isNaN(rate))
    throw new InputError({
      code: "model-unsupported",
      where: `node ${quote(call.name)} (Dropout)`,
      found: "its ratio depends on the values of the samples",
      expected: "a constant ratio",
      cure: "Export the model with a constant dropout ratio",
    });
  if (rate === 0) return [x];
  return [b.op("Mul", [x, maskFor(b, masks, x.shape, rate)], {}, { name: call.name })];
}

/**
 * Stochastic depth (Huang et al., ECCV 2016): all of a sample's values are dropped together or not at all. The kept ones are
 * multiplied by 1 / (1 - rate) here instead of all by 1 - rate at inference (the paper's equation 5).
 */
function dropPath(call: OpCall, b: GraphBuilder, masks: MaskInput[]): readonly Value[] {
  const x = call.inputs[0] as Value;
  const rate = readFloat(call.attributes, "rate", 0);
  if (rate === 0) return [x];
  const rows = readInt(call.attributes, "rows", 1);
  const samples = (x.shape[0] as number) / rows;
  const whole = rows === 1 ? x : reshape(b, x, [samples, sizeOf(x.shape) / samples]);
  const mask = maskFor(b, masks, [samples, ...whole.shape.slice(1).map(() => 1)], rate);
  const dropped = b.op("Mul", [whole, mask], {}, { name: call.name });
  return [rows === 1 ? dropped : reshape(b, dropped, x.shape)];
}

function maskFor(b: GraphBuilder, masks: MaskInput[], shape: readonly number[], rate: number): Value {
  const name = `step/mask${masks.length}`;
  masks.push({ name, shape, rate, stream: masks.length });
  return b.input(name, "float32", shape);
}
