/** Finding equal samples quickly: 64 bits of hash for each, and a table of those seen. */
import type { SampleArray } from "../../../engine/graph/samples.js";

/** Hashes of rows, two words each. */
export class RowHashes {
  readonly #first: Uint32Array;
  readonly #second: Uint32Array;

  constructor(rows: number) {
    this.#first = new Uint32Array(rows);
    this.#second = new Uint32Array(rows);
  }

  /** Hashes `count` rows of `samples`, `size` values each, as the rows from `at` on. */
  add(at: number, samples: SampleArray, size: number, count: number): void {
    const { words, perRow } = wordsOf(samples, size);
    for (let row = 0; row < count; row++) {
      let a = 0x9747b28c;
      let b = 0x2545f491;
      for (let i = row * perRow; i < (row + 1) * perRow; i++) {
        const word = words[i] as number;
        // Rotations carry the high bits (a float's sign) down, so that two changes cannot cancel each other.
        a = Math.imul(rotated(a ^ word, 15), 0xcc9e2d51) + 0x1b873593;
        b = Math.imul(rotated(b, 13) ^ Math.imul(word, 0x85ebca6b), 0xc2b2ae35) + (a >>> 16);
      }
      this.#first[at + row] = mixed(a ^ perRow);
      this.#second[at + row] = mixed(b + a);
    }
  }

  equal(row: number, other: number): boolean {
    return this.#first[row] === this.#first[other] && this.#second[row] === this.#second[other];
  }

  /** Where a table of 2^n places looks for the row first. */
  place(row: number, mask: number): number {
    return (this.#first[row] as number) & mask;
  }
}

/** The rows seen so far, each known by what it holds. */
export class SeenRows {
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** @param most rows that will be added */
  constructor(
    readonly hashes: RowHashes,
    most: number,
  ) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * most)));
    this.#slots = new Int32Array(places).fill(-1);
    this.#mask = places - 1;
  }

  /** The first row that was added with the same content; -1 without one. */
  find(row: number): number {
    for (let p = this.hashes.place(row, this.#mask); ; p = (p + 1) & this.#mask) {
      const held = this.#slots[p] as number;
      if (held < 0 || this.hashes.equal(held, row)) return held;
    }
  }

  /** Adds a row unless one like it is there. @returns the first one like it, the row itself where it is new */
  add(row: number): number {
    for (let p = this.hashes.place(row, this.#mask); ; p = (p + 1) & this.#mask) {
      const held = this.#slots[p] as number;
      if (held >= 0 && !this.hashes.equal(held, row)) continue;
      if (held < 0) this.#slots[p] = row;
      return held < 0 ? row : held;
    }
  }
}

/** The bytes of samples as 32-bit words where rows are whole ones, else as bytes. */
function wordsOf(samples: SampleArray, size: number): { words: Uint32Array | Uint8Array; perRow: number } {
  const bytes = size * samples.BYTES_PER_ELEMENT;
  if (bytes % 4 === 0 && samples.byteOffset % 4 === 0)
    return {
      words: new Uint32Array(samples.buffer, samples.byteOffset, samples.byteLength >> 2),
      perRow: bytes >> 2,
    };
  return { words: new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), perRow: bytes };
}

const rotated = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function mixed(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
