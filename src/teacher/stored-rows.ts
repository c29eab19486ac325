/** The files of a label store, as float32 rows by sample: read from the disk, or held. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { type RowFile, readRows, rowRanges } from "../data/row-file.js";
import { InputError } from "../errors.js";
import { fromHalf } from "../graph/half.js";

/** Reads answers of some samples, float16 widened. */
export class StoredRows {
  readonly #file: RowFile;
  readonly #half: boolean;

  /** @param width values of one sample */
  constructor(
    path: string,
    readonly width: number,
    precision: "float32" | "float16",
  ) {
    this.#half = precision === "float16";
    this.#file = { path, start: 0, rowBytes: width * (this.#half ? 2 : 4), remedy: "label again" };
  }

  /** Copies the rows of these samples into out [indices.length, width]. @throws InputError when the file is too short */
  gather(indices: Uint32Array, out: Float32Array): void {
    const count = indices.length * this.width;
    if (this.#half) {
      const bits = new Uint16Array(count);
      readRows(this.#file, indices, new Uint8Array(bits.buffer));
      out.set(fromHalf(bits));
    } else readRows(this.#file, indices, new Uint8Array(out.buffer, out.byteOffset, count * 4));
  }

  /**
   * Goes once over the answers of all samples.
   * @param out takes them [samples, width]; null only looks at them
   * @throws InputError when one is not finite, naming the sample
   */
  scan(samples: number, out: Float32Array | null): void {
    const { path, rowBytes } = this.#file;
    for (const part of rowRanges(samples, rowBytes)) {
      const from = part[0] as number;
      const rows = out
        ? out.subarray(from * this.width, (from + part.length) * this.width)
        : new Float32Array(part.length * this.width);
      this.gather(part, rows);
      const bad = rows.findIndex((v) => !Number.isFinite(v));
      if (bad >= 0)
        throw new InputError(
          path,
          `it holds ${rows[bad]} for sample ${from + Math.floor(bad / this.width)}; it is damaged: label again`,
        );
    }
  }
}

/** Hex SHA-256 of a file of any size. */
export function hashOfFile(path: string): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(1 << 20);
  const fd = openSync(path, "r");
  try {
    for (let got = readSync(fd, piece); got > 0; got = readSync(fd, piece)) hash.update(piece.subarray(0, got));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

/** Size of a file; 0 where there is none. */
export function sizeOfFile(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
