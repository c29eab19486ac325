/** The SIMD kernels (kernels.wat) bound to one WebAssembly memory. */
import { RunError } from "../../base/errors.js";
import { KERNEL_BYTES } from "./kernel-bytes.js";

/** What we use of a `WebAssembly.Memory`. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
}

/**
 * Kernels over byte ranges of one memory. Ranges start on 16 bytes and are multiples of 16 bytes long; nothing is
 * checked here. All are deterministic: no fused multiply-add, a fixed order of summation.
 */
export interface Kernels {
  copy(destination: number, source: number, bytes: number): void;
  fill(destination: number, bytes: number, value: number): void;
  /** destination += source */
  add(destination: number, source: number, bytes: number): void;
  /** destination *= factor */
  scale(destination: number, bytes: number, factor: number): void;
  /** destination += rate (source - destination) */
  approach(destination: number, source: number, bytes: number, rate: number): void;
  /** Sum of squares, in float64. */
  sumOfSquares(source: number, bytes: number): number;
  /** SGD as in `SgdRule`; the gradient is multiplied by `gradientScale` first. `nesterov` is 0 or 1. */
  sgd(
    parameter: number,
    gradient: number,
    velocity: number,
    bytes: number,
    gradientScale: number,
    decay: number,
    lr: number,
    momentum: number,
    nesterov: number,
  ): void;
  /** Adam and AdamW as in `AdamRule`; see kernels.wat for the formula and the coefficients. */
  adam(
    parameter: number,
    gradient: number,
    first: number,
    second: number,
    bytes: number,
    gradientScale: number,
    decay: number,
    shrink: number,
    rate1: number,
    beta2: number,
    rate2: number,
    stepSize: number,
    inverseRoot: number,
    epsilon: number,
  ): void;
}

/** The part of the WebAssembly interface used here: its types are not in the ES libraries. */
interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number; maximum: number }) => LinearMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Record<string, Record<string, object>>) => { exports: object };
}

const PAGE = 65536;
const MOST_PAGES = 65536;
const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
let compiled: object | undefined;

/**
 * A non-shared memory of at least so many bytes, all zero. It never grows: growing would detach every view.
 * @throws RunError when that is more than 4 GiB or more than the machine gives
 */
export function allocateMemory(bytes: number): LinearMemory {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  const size = `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  if (pages > MOST_PAGES) {
    throw tooLarge(`it takes ${size}`, "at most 4 GiB, which is all that can be addressed");
  }
  try {
    return new webAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw tooLarge(`it takes ${size}, which this machine does not give`, undefined, cause);
  }
}

function tooLarge(found: string, expected?: string, cause?: unknown): RunError {
  return new RunError(
    {
      code: "memory-exceeded",
      where: "training state",
      found,
      expected,
      cure: "Use a smaller student, SGD instead of Adam, or no accumulation",
    },
    { cause },
  );
}

/** Instantiates the kernels over a memory. */
export function createKernels(memory: LinearMemory): Kernels {
  compiled ??= new webAssembly.Module(Uint8Array.from(atob(KERNEL_BYTES), (c) => c.charCodeAt(0)));
  return new webAssembly.Instance(compiled, { limbeck: { memory } }).exports as Kernels;
}
