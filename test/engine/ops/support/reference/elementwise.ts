/** Reference kernels of elementwise arithmetic. */
import { readInt, readTensor } from "../../../../../src/engine/graph/attributes.js";
import type { DType } from "../../../../../src/engine/graph/types.js";
import {
  isInteger,
  type Kernel,
  type KernelTable,
  mapBroadcast,
  need,
  type RefTensor,
  refOf,
  unaryKernel,
} from "./kernel.js";

const arithmetic =
  (f: (a: number, b: number) => number, integer = f): Kernel =>
  (inputs) => {
    const [a, b] = [need(inputs, 0), need(inputs, 1)];
    return [mapBroadcast(a.dtype, [a, b], (isInteger(a.dtype) ? integer : f) as (...v: number[]) => number)];
  };

const variadic =
  (f: (...v: number[]) => number): Kernel =>
  (inputs) => [mapBroadcast(need(inputs, 0).dtype, inputs as readonly RefTensor[], f)];

const sum = (...v: number[]): number => v.reduce((a, b) => a + b, 0);

/** Half to even, as ONNX's Round. */
function roundHalfEven(v: number): number {
  const floor = Math.floor(v);
  if (v - floor !== 0.5) return Math.round(v);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** ONNX element type codes, as Cast's `to` uses them. */
const CAST_TYPES: Readonly<Record<number, DType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  11: "float64",
};

function cast(x: RefTensor, dtype: DType): RefTensor {
  if (dtype === "bool") return { ...x, dtype, data: x.data.map((v) => Number(v !== 0)) };
  return { ...x, dtype, data: isInteger(dtype) ? x.data.map(Math.trunc) : x.data };
}

/** Maclaurin series for small |x|, continued fraction of erfc beyond; about 1e-16 throughout. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let total = a;
    for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * total; n++) {
      term *= (-a * a) / n;
      total += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let n = 120; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

export const elementwiseKernels: KernelTable = {
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic(
    (a, b) => a / b,
    (a, b) => Math.trunc(a / b),
  ),
  Pow: arithmetic((a, b) => a ** b),
  Mod: (inputs, attributes) => {
    const [a, b] = [need(inputs, 0), need(inputs, 1)];
    const fmod = readInt(attributes, "fmod", 0) === 1;
    return [
      mapBroadcast(a.dtype, [a, b], (p, q) => {
        const [u, v] = [p as number, q as number];
        return fmod ? u % v : ((u % v) + v) % v;
      }),
    ];
  },
  Min: variadic(Math.min),
  Max: variadic(Math.max),
  Sum: variadic(sum),
  Mean: variadic((...v) => sum(...v) / v.length),
  Neg: unaryKernel((v) => -v),
  Abs: unaryKernel(Math.abs),
  Sqrt: unaryKernel(Math.sqrt),
  Reciprocal: unaryKernel((v) => 1 / v),
  Exp: unaryKernel(Math.exp),
  Log: unaryKernel(Math.log),
  Sign: unaryKernel(Math.sign),
  Floor: unaryKernel(Math.floor),
  Ceil: unaryKernel(Math.ceil),
  Round: unaryKernel(roundHalfEven),
  Sin: unaryKernel(Math.sin),
  Cos: unaryKernel(Math.cos),
  Erf: unaryKernel(erf),
  Identity: unaryKernel((v) => v),
  Constant: (_inputs, attributes) => {
    const value = readTensor(attributes, "value");
    if (!value) throw new Error("reference: only Constant.value is supported");
    return [refOf(value)];
  },
  Cast: (inputs, attributes) => {
    const to = CAST_TYPES[readInt(attributes, "to", 0)];
    if (!to) throw new Error("reference: Cast to an unsupported type");
    return [cast(need(inputs, 0), to)];
  },
  CastLike: (inputs) => [cast(need(inputs, 0), need(inputs, 1).dtype)],
  Where: (inputs) => {
    const [c, a, b] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
    return [mapBroadcast(a.dtype, [c, a, b], (k, x, y) => (k !== 0 ? x : y) as number)];
  },
  Clip: (inputs) => {
    const low = inputs[1]?.data[0] ?? Number.NEGATIVE_INFINITY;
    const high = inputs[2]?.data[0] ?? Number.POSITIVE_INFINITY;
    return unaryKernel((v) => Math.min(Math.max(v, low), high))(inputs, {}, undefined as never);
  },
};
