/**
 * ONNX Runtime's blocked layout (domain com.microsoft.nchwc): shapes only, for graphs that src/compile/blocked writes.
 *
 * Shapes stay [N,C,H,W] while memory is [N, C/b, H, W, b] with the processor's block size b. Channels are multiples of
 * b, but for the X of a Conv with fewer channels than b, which is plain. Conv's fourth input is added to its result,
 * before the activation.
 */
import { readInt } from "../graph/attributes.js";
import { inferConv } from "./convolution.js";
import type { OpDefinition } from "./definition.js";
import { inferGlobal, inferPool } from "./pooling.js";
import { inferSame, required, typeOf } from "./support.js";

export const NCHWC_DOMAIN = "com.microsoft.nchwc";

const inDomain = (op: string, infer: OpDefinition["infer"]): OpDefinition => ({ op, domain: NCHWC_DOMAIN, infer });

export const nchwcOps: readonly OpDefinition[] = [
  inDomain("Conv", inferConv),
  inDomain("MaxPool", (call) => [inferPool(call)]),
  inDomain("AveragePool", (call) => [inferPool(call)]),
  inDomain("GlobalAveragePool", inferGlobal),
  inDomain("ReorderInput", inferSame),
  inDomain("ReorderOutput", (call) => {
    const x = required(call, 0);
    const [n, , ...spatial] = x.shape as [number, number, ...number[]];
    return [typeOf(x.dtype, [n, readInt(call.attributes, "channels", 0), ...spatial])];
  }),
];
