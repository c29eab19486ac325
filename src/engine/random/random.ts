/** Random numbers as functions: every number depends on (seed, stream, index) and on nothing else. */
import { philox } from "./philox.js";

/** FNV-1a, 32 bit: turns a stream's name into a number. */
export function streamNumber(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

const TWO32 = 0x100000000;

/** A stream of random numbers with random access. `index` may be any integer from 0 to 2^53 - 1. */
export class Random {
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream: number;
  readonly #block = new Uint32Array(4);
  #cached = -1;

  /**
   * @param seed integer from 0 to 2^53 - 1
   * @param stream separates uses of one seed: a name, or an unsigned 32-bit number
   */
  constructor(seed: number, stream: string | number) {
    this.#key0 = seed >>> 0;
    this.#key1 = Math.floor(seed / TWO32) >>> 0;
    this.#stream = (typeof stream === "string" ? streamNumber(stream) : stream) >>> 0;
  }

  /** Uniform over the integers [0, 2^32). */
  u32(index: number): number {
    const block = Math.floor(index / 4);
    if (block !== this.#cached) {
      philox(this.#block, block >>> 0, Math.floor(block / TWO32) >>> 0, this.#stream, 0, this.#key0, this.#key1);
      this.#cached = block;
    }
    return this.#block[index % 4] as number;
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(index: number): number {
    return this.u32(index) / TWO32;
  }

  /** Standard normal by Box and Muller (1958); uses the words 2 index and 2 index + 1. */
  normal(index: number): number {
    const radius = Math.sqrt(-2 * Math.log((this.u32(2 * index) + 1) / TWO32));
    return radius * Math.cos((2 * Math.PI * this.u32(2 * index + 1)) / TWO32);
  }

  /** out[i] = uniform in [low, high) of index offset + i. */
  fillUniform(out: Float32Array | Float64Array, low: number, high: number, offset = 0): void {
    for (let i = 0; i < out.length; i++) out[i] = low + (high - low) * this.uniform(offset + i);
  }

  /** out[i] = mean + std * normal of index offset + i. */
  fillNormal(out: Float32Array | Float64Array, mean: number, std: number, offset = 0): void {
    for (let i = 0; i < out.length; i++) out[i] = mean + std * this.normal(offset + i);
  }

  /** A uniformly random order of 0 .. n-1 (Fisher-Yates), one for each epoch. */
  permutation(n: number, epoch = 0): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    const base = epoch * TWO32;
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(this.uniform(base + i) * (i + 1));
      const other = order[j] as number;
      order[j] = order[i] as number;
      order[i] = other;
    }
    return order;
  }
}
