/** Batch and layer normalisation. */
import { InputError } from "../../base/errors.js";
import { int, readFloat, readInt } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import { quote } from "../../base/quote.js";
import { channelMean, channelSum, perChannel, samplesPerChannel } from "./channel.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import {
  constantLike,
  misfit,
  noGradient,
  normaliseAxis,
  required,
  scale,
  sumTo,
  typeOf,
  unsupported,
} from "./support.js";

function checkChannels(call: OpCall): Value {
  const x = required(call, 0);
  if (x.shape.length < 2) throw misfit(call, `X has ${x.shape.length} dimensions`, "[batch, channels, ...]");
  for (let i = 1; i < 5; i++) {
    const v = required(call, i);
    if (v.shape.length !== 1 || v.shape[0] !== x.shape[1])
      throw misfit(call, `input ${i} is [${v.shape}]`, `[${x.shape[1]}], one value per channel`);
  }
  return x;
}

const epsilonOf = (call: OpCall): number => readFloat(call.attributes, "epsilon", 1e-5);

/** 1 / sqrt(variance + epsilon). */
export function inverseStd(b: GraphBuilder, variance: Value, epsilon: number): Value {
  return b.op("Reciprocal", [b.op("Sqrt", [b.op("Add", [variance, constantLike(b, epsilon, variance)])])]);
}

/** Inference form: the statistics are constants. */
function batchNormGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const [x, gamma, , mean, variance] = c.inputs as Value[] as [Value, Value, Value, Value, Value];
  const rank = x.shape.length;
  const g = c.gradients[0] as Value;
  const inverse = inverseStd(b, variance, epsilonOf(c.call));
  const dx = c.wants(0) ? b.op("Mul", [g, perChannel(b, b.op("Mul", [gamma, inverse]), rank)]) : undefined;
  const centred = (): Value => b.op("Mul", [b.op("Sub", [x, perChannel(b, mean, rank)]), perChannel(b, inverse, rank)]);
  const dgamma = c.wants(1) ? channelSum(b, b.op("Mul", [g, centred()])) : undefined;
  return [dx, dgamma, c.wants(2) ? channelSum(b, g) : undefined];
}

/** Y, batch mean, inverse standard deviation, new running mean, new running variance. */
function inferTraining(call: OpCall): StaticType[] {
  const x = checkChannels(call);
  if (samplesPerChannel(x.shape) < 2)
    throw new InputError({
      code: "budget-invalid",
      where: `node ${quote(call.name)} (${call.op})`,
      found: "the batch has one value per channel, and batch norm needs a variance",
      expected: "at least 2 values per channel",
      cure: "Use a larger batch",
    });
  const channel = typeOf(x.dtype, [x.shape[1] as number]);
  return [typeOf(x.dtype, x.shape), channel, channel, channel, channel];
}

/** Two passes (mean, then squared deviations) are sound in float32; the running variance is unbiased, as PyTorch's. */
function lowerTraining(call: OpCall, b: GraphBuilder): Value[] {
  const [x, gamma, beta, runningMean, runningVariance] = call.inputs as [Value, Value, Value, Value, Value];
  const rank = x.shape.length;
  const n = samplesPerChannel(x.shape);
  const retained = readFloat(call.attributes, "momentum", 0.9);
  const mean = channelMean(b, x);
  const centred = b.op("Sub", [x, perChannel(b, mean, rank)]);
  const variance = channelMean(b, b.op("Mul", [centred, centred]));
  const inverse = inverseStd(b, variance, epsilonOf(call));
  const factor = perChannel(b, b.op("Mul", [gamma, inverse]), rank);
  const y = b.op("Add", [b.op("Mul", [centred, factor]), perChannel(b, beta, rank)]);
  const blend = (old: Value, fresh: Value, factor2: number): Value =>
    b.op("Add", [scale(b, old, retained), b.op("Mul", [fresh, constantLike(b, factor2, fresh)])]);
  return [
    y,
    mean,
    inverse,
    blend(runningMean, mean, 1 - retained),
    blend(runningVariance, variance, ((1 - retained) * n) / (n - 1)),
  ];
}

/** Emits the abstract op: the formula's pieces depend on the layout. */
function trainingGradient(c: GradientContext): (Value | undefined)[] {
  if (c.gradients.slice(1).some((g) => g !== undefined)) throw noGradient(c.call, "batch statistics as outputs");
  const [x, gamma] = c.inputs as [Value, Value];
  const [, mean, inverse] = c.outputs as [Value, Value, Value];
  const [dx, dgamma, dbeta] = c.builder.ops(
    "BatchNormalizationInputGradient",
    [x, gamma, mean, inverse, c.gradients[0]],
    {},
    { domain: ABSTRACT_DOMAIN },
  );
  return [c.wants(0) ? dx : undefined, c.wants(1) ? dgamma : undefined, c.wants(2) ? dbeta : undefined];
}

/** (x, gamma, mean, inverse standard deviation, g) -> gradients of x, gamma and beta. */
function inferTrainingGradient(call: OpCall): StaticType[] {
  const x = required(call, 0);
  const channel = typeOf(x.dtype, [x.shape[1] as number]);
  return [typeOf(x.dtype, x.shape), channel, channel];
}

/** Ioffe & Szegedy, ICML 2015: dx = gamma inv (g - mean(g) - xhat mean(g xhat)). */
function lowerTrainingGradient(call: OpCall, b: GraphBuilder): Value[] {
  const [x, gamma, mean, inverse, g] = call.inputs as [Value, Value, Value, Value, Value];
  const rank = x.shape.length;
  const n = samplesPerChannel(x.shape);
  const hat = b.op("Mul", [b.op("Sub", [x, perChannel(b, mean, rank)]), perChannel(b, inverse, rank)]);
  const dgamma = channelSum(b, b.op("Mul", [g, hat]));
  const dbeta = channelSum(b, g);
  const away = b.op("Sub", [g, perChannel(b, scale(b, dbeta, 1 / n), rank)]);
  const along = b.op("Mul", [hat, perChannel(b, scale(b, dgamma, 1 / n), rank)]);
  const dx = b.op("Mul", [b.op("Sub", [away, along]), perChannel(b, b.op("Mul", [gamma, inverse]), rank)]);
  return [dx, dgamma, dbeta];
}

const layerAxis = (call: OpCall): number =>
  normaliseAxis(call, readInt(call.attributes, "axis", -1), required(call, 0).shape.length);

/** Y, mean, inverse standard deviation (statistics keep their dimensions with size 1). */
function inferLayerNorm(call: OpCall): StaticType[] {
  const x = required(call, 0);
  const axis = layerAxis(call);
  const statistics = typeOf(
    "float32",
    x.shape.map((d, i) => (i < axis ? d : 1)),
  );
  return [typeOf(x.dtype, x.shape), { ...statistics, dtype: x.dtype }, { ...statistics, dtype: x.dtype }];
}

/** Ba, Kiros, Hinton 2016: the same formula as batch norm's, along the normalised axes. */
function layerNormGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const [x, gamma, beta] = c.inputs as [Value, Value, Value | undefined];
  const [, mean, inverse] = c.outputs as [Value, Value, Value];
  const [g, ofMean, ofInverse] = c.gradients;
  const normalised = x.shape.flatMap((_, i) => (i >= layerAxis(c.call) ? [i] : []));
  const axes = b.constant(int64s(normalised));
  const count = normalised.reduce((p, i) => p * (x.shape[i] as number), 1);
  const average = (v: Value): Value => b.op("ReduceMean", [v, axes], { keepdims: int(1) });
  const hat = b.op("Mul", [b.op("Sub", [x, mean]), inverse]);
  const parts: Value[] = [];
  if (c.wants(0)) {
    if (g) {
      const scaled = b.op("Mul", [g, gamma]);
      const away = b.op("Sub", [scaled, average(scaled)]);
      const along = b.op("Mul", [hat, average(b.op("Mul", [scaled, hat]))]);
      parts.push(b.op("Mul", [b.op("Sub", [away, along]), inverse]));
    }
    // Who reads the statistics: d mean / dx = 1 / n, d inverse / dx = -inverse^2 hat / n.
    if (ofMean) parts.push(b.op("Expand", [scale(b, ofMean, 1 / count), b.constant(int64s(x.shape))]));
    if (ofInverse) {
      const factor = scale(b, b.op("Mul", [ofInverse, b.op("Mul", [inverse, inverse])]), -1 / count);
      parts.push(b.op("Mul", [hat, factor]));
    }
  }
  return [
    parts.length > 0 ? parts.reduce((sum, part) => b.op("Add", [sum, part])) : undefined,
    g && c.wants(1) ? sumTo(b, b.op("Mul", [g, hat]), gamma.shape) : undefined,
    g && beta && c.wants(2) ? sumTo(b, g, beta.shape) : undefined,
  ];
}

export const normalizationOps: readonly OpDefinition[] = [
  {
    op: "BatchNormalization",
    statistics: [3, 4],
    infer: (call) => {
      if (readInt(call.attributes, "training_mode", 0) !== 0)
        throw unsupported(
          call,
          "training_mode is 1, and a student's graph must be in inference form",
          "Export the model for inference; limbeck makes the training form itself",
        );
      const x = checkChannels(call);
      return [typeOf(x.dtype, x.shape)];
    },
    gradient: batchNormGradient,
    note: "statistics are constants; training uses BatchNormalizationTraining",
  },
  {
    op: "BatchNormalizationTraining",
    domain: ABSTRACT_DOMAIN,
    infer: inferTraining,
    gradient: trainingGradient,
    lower: lowerTraining,
  },
  {
    op: "BatchNormalizationInputGradient",
    domain: ABSTRACT_DOMAIN,
    infer: inferTrainingGradient,
    lower: lowerTrainingGradient,
  },
  { op: "LayerNormalization", infer: inferLayerNorm, gradient: layerNormGradient },
];
