/** The files of a label store, as float32 rows by sample: read from the disk, or held. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type RowFile, readRows, rowRanges } from "../../data/sources/row-file.js";
import { InputError } from "../../../base/errors.js";
import { fromHalf } from "../../../engine/graph/half.js";

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
    this.#file = { path, start: 0, rowBytes: width * (this.#half ? 2 : 4), remedy: "Label again" };
  }

  /** Copies the rows of these samples into out [indices.length, width]. @throws InputError when the file is too short */
  gather(indices: Uint32Array, out: Float32Array): void {
    this.#read(indices, out);
  }

  /** @returns the rows as they lie in the file */
  #read(indices: Uint32Array, out: Float32Array): Uint8Array {
    const count = indices.length * this.width;
    const bits = this.#half ? new Uint16Array(count) : null;
    const bytes = bits ? new Uint8Array(bits.buffer) : new Uint8Array(out.buffer, out.byteOffset, count * 4);
    readRows(this.#file, indices, bytes);
    if (bits) out.set(fromHalf(bits));
    return bytes;
  }

  /**
   * Goes once over the answers of all samples.
   * @param out takes them [samples, width]; null only looks at them
   * @param seen gets the file's bytes, piece after piece
   * @throws InputError when one is not finite, naming the sample
   */
  scan(samples: number, out: Float32Array | null, seen?: (bytes: Uint8Array) => void): void {
    const { path, rowBytes } = this.#file;
    for (const part of rowRanges(samples, rowBytes)) {
      const from = part[0] as number;
      const rows = out
        ? out.subarray(from * this.width, (from + part.length) * this.width)
        : new Float32Array(part.length * this.width);
      const bytes = this.#read(part, rows);
      seen?.(bytes);
      const bad = rows.findIndex((v) => !Number.isFinite(v));
      if (bad >= 0)
        throw new InputError({
          code: "file-damaged",
          where: path,
          found: `it holds ${rows[bad]} for sample ${from + Math.floor(bad / this.width)}`,
          expected: "finite numbers",
          cure: "Label the data again with limbeck label",
        });
    }
  }
}

/** Files whose contents had this hash when they were last read whole, as long as nobody writes to them. */
const known = new Map<string, string>();

/** What a file's contents are taken for unchanged by: place, size and the times of its last changes. */
function stamp(path: string, hash: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs, hash].join(" ");
}

/** Remembers for this process that a file has this hash. */
export function noteHash(path: string, hash: string): void {
  known.set(resolve(path), stamp(path, hash));
}

/** Whether the file was seen with this hash and has not been written to since. */
export const hasHash = (path: string, hash: string): boolean => known.get(resolve(path)) === stamp(path, hash);

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
