/** Reference kernels of activations, from their definitions in the ONNX operator documentation. */
import { readFloat, readText } from "../../../../../src/engine/graph/attributes.js";
import type { Attributes } from "../../../../../src/engine/graph/types.js";
import { erf } from "./elementwise.js";
import { type Kernel, type KernelTable, mapBroadcast, need, unaryKernel } from "./kernel.js";

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const softplus = (v: number): number => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

/** An activation with float attributes. */
const withAttributes =
  (make: (a: Attributes) => (v: number) => number): Kernel =>
  (inputs, attributes, node) =>
    unaryKernel(make(attributes))(inputs, attributes, node);

export const activationKernels: KernelTable = {
  Relu: unaryKernel((v) => Math.max(v, 0)),
  LeakyRelu: withAttributes((a) => {
    const alpha = readFloat(a, "alpha", 0.01);
    return (v) => (v < 0 ? alpha * v : v);
  }),
  Elu: withAttributes((a) => {
    const alpha = readFloat(a, "alpha", 1);
    return (v) => (v < 0 ? alpha * Math.expm1(v) : v);
  }),
  Selu: withAttributes((a) => {
    const alpha = readFloat(a, "alpha", 1.6732632423543772);
    const gamma = readFloat(a, "gamma", 1.0507009873554805);
    return (v) => gamma * (v <= 0 ? alpha * Math.expm1(v) : v);
  }),
  Celu: withAttributes((a) => {
    const alpha = readFloat(a, "alpha", 1);
    return (v) => Math.max(0, v) + Math.min(0, alpha * Math.expm1(v / alpha));
  }),
  ThresholdedRelu: withAttributes((a) => {
    const alpha = readFloat(a, "alpha", 1);
    return (v) => (v > alpha ? v : 0);
  }),
  Sigmoid: unaryKernel(sigmoid),
  Tanh: unaryKernel(Math.tanh),
  Softplus: unaryKernel(softplus),
  Softsign: unaryKernel((v) => v / (1 + Math.abs(v))),
  HardSigmoid: withAttributes((a) => {
    const alpha = readFloat(a, "alpha", 0.2);
    const beta = readFloat(a, "beta", 0.5);
    return (v) => Math.max(0, Math.min(1, alpha * v + beta));
  }),
  HardSwish: unaryKernel((v) => v * Math.max(0, Math.min(1, v / 6 + 0.5))),
  Mish: unaryKernel((v) => v * Math.tanh(softplus(v))),
  Gelu: withAttributes((a) =>
    readText(a, "approximate", "none") === "tanh"
      ? (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))
      : (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
  ),
  PRelu: (inputs) => {
    const [x, slope] = [need(inputs, 0), need(inputs, 1)];
    return [
      mapBroadcast(x.dtype, [x, slope], (v, s) => ((v as number) < 0 ? (s as number) * (v as number) : v) as number),
    ];
  },
};
