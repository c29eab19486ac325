/** Rows of one width in a file, read by their numbers: what is larger than memory is looked up, never loaded. */
import { closeSync, openSync, readSync } from "node:fs";
import { InputError } from "../../../base/errors.js";

export interface RowFile {
  readonly path: string;
  /** Bytes in front of the first row. */
  readonly start: number;
  readonly rowBytes: number;
  /** What to do when the file ends too early: an imperative sentence without its full stop. */
  readonly remedy: string;
}

/** Most bytes of one read: enough that its start costs nothing beside it. */
const READ = 1 << 20;
/** Bytes between two wanted rows that are cheaper to read along than to skip by a second read. */
const GAP = 16 << 10;

/**
 * Reads rows into out [indices.length * rowBytes], in the order of the indices. Neighbours in the file are read together,
 * whatever their places in `indices`. The file is open during the call only: nobody has to close it.
 * @throws InputError when the file ends before a row that is asked for
 */
export function readRows(file: RowFile, indices: Uint32Array, out: Uint8Array): void {
  const { rowBytes } = file;
  const places = byRow(indices);
  const row = (k: number): number => indices[places[k] as number] as number;
  const reach = Math.max(1, Math.floor((READ - rowBytes) / rowBytes));
  const near = 1 + Math.floor(GAP / rowBytes);
  const scratch = { bytes: new Uint8Array(0) };
  const fd = openSync(file.path, "r");
  try {
    for (let from = 0; from < places.length; ) {
      let to = from + 1;
      while (to < places.length && row(to) - row(to - 1) <= near && row(to) - row(from) <= reach) to++;
      readRun(fd, file, indices, places.subarray(from, to), out, scratch);
      from = to;
    }
  } finally {
    closeSync(fd);
  }
}

/** Places in `indices` in the order of the rows they name. */
function byRow(indices: Uint32Array): Uint32Array {
  const places = Uint32Array.from(indices, (_, i) => i);
  const sorted = indices.every((row, i) => i === 0 || row >= (indices[i - 1] as number));
  return sorted ? places : places.sort((a, b) => (indices[a] as number) - (indices[b] as number));
}

/** One read for rows that lie together. */
function readRun(
  fd: number,
  file: RowFile,
  indices: Uint32Array,
  places: Uint32Array,
  out: Uint8Array,
  scratch: { bytes: Uint8Array },
): void {
  const { rowBytes } = file;
  const [place, last] = [places[0] as number, places[places.length - 1] as number];
  const first = indices[place] as number;
  const length = ((indices[last] as number) - first + 1) * rowBytes;
  // Rows that lie in the file as they are wanted need no second copy.
  const direct = places.every((p, k) => p === place + k && indices[p] === first + k);
  if (!direct && scratch.bytes.length < length) scratch.bytes = new Uint8Array(length);
  const to = direct ? out.subarray(place * rowBytes) : scratch.bytes;
  const got = readFully(fd, to, length, file.start + first * rowBytes);
  if (got < length)
    throw new InputError({
      code: "file-damaged",
      where: file.path,
      found: `it ends before sample ${first + Math.floor(got / rowBytes)}`,
      expected: "all samples that its header promises",
      cure: file.remedy,
    });
  if (direct) return;
  for (const p of places) {
    const at = ((indices[p] as number) - first) * rowBytes;
    out.set(to.subarray(at, at + rowBytes), p * rowBytes);
  }
}

/** A read may give less than was asked for; only the end of the file ends it. */
function readFully(fd: number, to: Uint8Array, length: number, position: number): number {
  let got = 0;
  while (got < length) {
    const now = readSync(fd, to, got, length - got, position + got);
    if (now === 0) break;
    got += now;
  }
  return got;
}

/** 0 .. count-1 in pieces, as many rows each as make about `bytes` bytes. */
export function* rowRanges(count: number, rowBytes: number, bytes = READ): Generator<Uint32Array> {
  const rows = Math.max(1, Math.floor(bytes / rowBytes));
  for (let from = 0; from < count; from += rows)
    yield Uint32Array.from({ length: Math.min(rows, count - from) }, (_, i) => from + i);
}
