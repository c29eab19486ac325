/** Dropout masks as functions of (seed, stream, step, element), so that a resumed run draws what it would have drawn. */
import { Random } from "../random/random.js";

/** Fills the mask of one dropout, step after step. */
export class MaskFiller {
  readonly #random: Random;

  /** @param rate share of elements dropped, in [0, 1) */
  constructor(
    seed: number,
    stream: number,
    private readonly rate: number,
  ) {
    this.#random = new Random(seed, stream);
  }

  /** mask[i] = 0 where uniform(step * size + i) < rate, else 1 / (1 - rate). `step` counts micro-batches. */
  fill(mask: Float32Array, step: number): void {
    const kept = 1 / (1 - this.rate);
    const first = step * mask.length;
    for (let i = 0; i < mask.length; i++) mask[i] = this.#random.uniform(first + i) < this.rate ? 0 : kept;
  }
}
