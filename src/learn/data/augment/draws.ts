/** Random numbers of one view: functions of (seed, stream, sample, epoch) and of nothing else, the data's size included. */
import { Random, streamNumber } from "../../../engine/random/random.js";

/** Numbers of a stream that belong to each (sample, epoch). */
const WORDS = 16;
/** Room for so many samples, and with WORDS and the 2^53 of an index for 2^21 epochs. */
const SAMPLES = 2 ** 28;

/** What may be drawn, each from a stream of its own. */
const STREAMS = {
  place: streamNumber("augmentation"),
  crop: streamNumber("augmentation crop"),
  rotate: streamNumber("augmentation rotate"),
  scale: streamNumber("augmentation scale"),
  colour: streamNumber("augmentation colour"),
  noise: streamNumber("augmentation noise"),
  blur: streamNumber("augmentation blur"),
  cutout: streamNumber("augmentation cutout"),
  randaugment: streamNumber("augmentation randaugment"),
  mix: streamNumber("augmentation mix"),
} as const;

export type DrawStream = keyof typeof STREAMS;

/** The streams of the seed asked for last: thousands of views a second ask for the same. */
let streams: { readonly seed: number; readonly by: Map<DrawStream, Random> } = { seed: -1, by: new Map() };

function streamOf(seed: number, name: DrawStream): Random {
  if (streams.seed !== seed) streams = { seed, by: new Map() };
  let stream = streams.by.get(name);
  if (!stream) {
    stream = new Random(seed, STREAMS[name]);
    streams.by.set(name, stream);
  }
  return stream;
}

export class Draws {
  readonly #base: number;

  /** @param sample index into the data set; below 2^28; epoch is below 2^21 */
  constructor(
    private readonly seed: number,
    sample: number,
    epoch: number,
  ) {
    this.#base = WORDS * (epoch * SAMPLES + sample);
  }

  /** Number k (0 to 15) of a stream, in [0, 1). */
  uniform(stream: DrawStream, k: number): number {
    return streamOf(this.seed, stream).uniform(this.#base + k);
  }

  /** In [low, high). */
  between(stream: DrawStream, k: number, low: number, high: number): number {
    return low + (high - low) * this.uniform(stream, k);
  }

  /** A whole number from 0 to count - 1. */
  below(stream: DrawStream, k: number, count: number): number {
    return Math.floor(this.uniform(stream, k) * count);
  }

  /** A seed of 53 bits, from the numbers k and k + 1, for what needs many numbers. */
  seedOf(stream: DrawStream, k: number): number {
    const random = streamOf(this.seed, stream);
    return random.u32(this.#base + k) * 2 ** 21 + (random.u32(this.#base + k + 1) >>> 11);
  }
}
