/** Reading ahead in a file of rows whose neighbours are wanted soon. */
import { type RowFile, readRows } from "./row-file.js";
import type { BlockLayout } from "../types.js";

/** Bytes of a block, about. */
const BLOCK_BYTES = 1 << 20;
/** A row as large as this is read as fast by itself. */
const LARGE_ROW = 64 << 10;
/** A call that asks for such a part of a block reads most of it anyway. */
const DENSE = 1 / 8;
/** Blocks remembered: several windows of an epoch's order, for trainings side by side. */
const REMEMBERED = 512;

/** Blocks of a window: about 128 MiB, or 2,048 large rows. */
const WINDOW = 128;

/** How an epoch shuffles rows of a file. */
export const layoutOf = (rowBytes: number): BlockLayout => ({ rows: rowsOfBlock(rowBytes), window: WINDOW });

/** Rows of a block. */
export const rowsOfBlock = (rowBytes: number): number => Math.max(16, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes)));

/**
 * Batches of a shuffled window ask for a few rows of each of its blocks, again and again (`epochOrder`). Read one by one
 * from a disk each would wait for itself; so a block that is asked for a second time is read once from end to end, after
 * which the operating system has it in its file cache. Nothing is held here but the blocks' numbers.
 */
export class BlockReader {
  readonly #rows: number;
  /** By block: whether it was read from end to end. */
  readonly #seen = new Map<number, boolean>();

  constructor(
    private readonly file: RowFile,
    private readonly count: number,
  ) {
    this.#rows = rowsOfBlock(file.rowBytes);
  }

  /** To be called with the rows that are about to be read. */
  ask(indices: Uint32Array): void {
    if (this.file.rowBytes >= LARGE_ROW) return;
    const asked = new Map<number, number>();
    for (const i of indices) {
      const block = Math.floor(i / this.#rows);
      asked.set(block, (asked.get(block) ?? 0) + 1);
    }
    for (const [block, rows] of asked) {
      if (rows >= this.#rows * DENSE) continue;
      const seen = this.#seen.get(block);
      if (seen === false) this.#readThrough(block);
      if (seen !== true) this.#seen.set(block, seen === false);
    }
    for (const block of this.#seen.keys()) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(block);
    }
  }

  #readThrough(block: number): void {
    const first = block * this.#rows;
    const rows = Uint32Array.from({ length: Math.min(this.#rows, this.count - first) }, (_, k) => first + k);
    readRows(this.file, rows, new Uint8Array(rows.length * this.file.rowBytes));
  }
}
