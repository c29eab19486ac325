/** The order in which an epoch sees its samples: a pure function of (samples, seed, epoch). */
import { Random } from "../../engine/random/random.js";
import type { BlockLayout } from "./types.js";

/**
 * The samples in the order an epoch sees them: any order is as likely as another, or, where neighbours are read together,
 * shuffled in blocks.
 * @param blocks of the data set (`DataSet.blocks`)
 */
export function epochOrder(indices: Uint32Array, seed: number, epoch: number, blocks?: BlockLayout): Uint32Array {
  if (blocks) return blockOrder(indices, seed, epoch, blocks);
  return new Random(seed, "shuffle").permutation(indices.length, epoch).map((i) => indices[i] as number);
}

const TWO32 = 0x100000000;

/**
 * Blocks of neighbours are put in a random order; of so many consecutive ones at a time, a window, the samples are then
 * shuffled among each other. A batch comes from one window, or two where it crosses into the next; each block's samples
 * are wanted during one window and not again in the epoch.
 */
function blockOrder(indices: Uint32Array, seed: number, epoch: number, { rows, window }: BlockLayout): Uint32Array {
  const sorted = indices.slice().sort();
  const starts = blockStarts(sorted, rows);
  const count = starts.length - 1;
  const blocks = new Random(seed, "shuffle blocks").permutation(count, epoch);
  const random = new Random(seed, "shuffle windows");
  const order = new Uint32Array(sorted.length);
  // Windows of as equal a size as can be: a last one of a single block would hardly be shuffled.
  const windows = Math.ceil(count / window);
  let end = 0;
  for (let w = 0; w < windows; w++) {
    const from = end;
    for (const block of blocks.subarray(Math.floor((w * count) / windows), Math.floor(((w + 1) * count) / windows))) {
      const part = sorted.subarray(starts[block], starts[block + 1]);
      order.set(part, end);
      end += part.length;
    }
    shuffle(order, from, end, (i) => random.uniform(epoch * TWO32 + i));
  }
  return order;
}

/** Where in the sorted samples each block that occurs begins, and where the last one ends. */
function blockStarts(sorted: Uint32Array, rows: number): Uint32Array {
  const starts: number[] = [];
  let block = -1;
  sorted.forEach((sample, i) => {
    const own = Math.floor(sample / rows);
    if (own !== block) starts.push(i);
    block = own;
  });
  return Uint32Array.from([...starts, sorted.length]);
}

/** Fisher-Yates on order[from .. to-1]; every place has a random number of its own. */
function shuffle(order: Uint32Array, from: number, to: number, uniform: (place: number) => number): void {
  for (let i = to - 1; i > from; i--) {
    const j = from + Math.floor(uniform(i) * (i - from + 1));
    const other = order[j] as number;
    order[j] = order[i] as number;
    order[i] = other;
  }
}
