/** Samples of a NumPy file that stays on the disk: rows are read by position when they are asked for. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { InputError } from "../../../base/errors.js";
import { checkFile } from "./files.js";
import {
  checkLength,
  headerBytes,
  type NpyHeader,
  numberReader,
  PREFIX,
  parseHeader,
  sampleLayout,
} from "./npy-format.js";
import { BlockReader, layoutOf } from "./row-blocks.js";
import { type RowFile, readRows, rowRanges } from "./row-file.js";
import { allocateSamples, channelsFirst, wholeSamples } from "../samples.js";
import type { RawPart } from "../source.js";
import type { SampleArray } from "../../../engine/graph/samples.js";
import { sizeOf } from "../../../engine/graph/tensor.js";

export interface FilePart extends Pick<RawPart, "samples"> {
  readonly made: NonNullable<RawPart["made"]>;
  readonly name: string;
  /** NumPy's name of the element type. */
  readonly type: string;
  readonly count: number;
  /** Of one sample, channels first. */
  readonly shape: readonly number[];
}

/**
 * The same samples, of the same type, that loading the file gives.
 * @throws InputError when it is no NumPy array of numbers, is cut off, or has its elements in Fortran order
 */
export function npyFilePart(path: string): FilePart {
  const file = openFile(path);
  const { header, rows } = file;
  const { count, shape, channelsLast } = sampleLayout(header.shape, path);
  const samples = typeOf(file, count);
  const size = sizeOf(shape);
  const [channels = 1] = shape;
  const decode = decoder(header, samples, path);
  const blocks = new BlockReader(rows, count);
  const fill = (indices: Uint32Array, out: SampleArray): void => {
    file.checkUnchanged();
    blocks.ask(indices);
    if (!channelsLast) {
      decode.rows(rows, indices, out);
      return;
    }
    const last = allocateSamples(samples, indices.length * size);
    decode.rows(rows, indices, last);
    channelsFirst(last, out, indices.length, size / channels, channels);
  };
  return {
    name: path,
    type: header.type,
    count,
    shape,
    samples,
    made: { count, fill, blocks: layoutOf(rows.rowBytes) },
  };
}

interface OpenFile {
  readonly header: NpyHeader;
  readonly rows: RowFile;
  checkUnchanged(): void;
}

function openFile(path: string): OpenFile {
  const known = checkFile(path, "a NumPy array (.npy)");
  const header = readHeader(path);
  const [count = 0, ...rest] = header.shape;
  const rowBytes = sizeOf(rest) * header.elementBytes;
  checkLength(header.shape, header.type, count * rowBytes, known.size - header.start, path);
  if (header.columnMajor && rest.length > 0)
    throw new InputError({
      code: "file-type",
      where: path,
      found: "its elements are in Fortran order, so that no sample lies in one piece",
      expected: "elements in C order",
      cure: "Save it with numpy.save(path, numpy.ascontiguousarray(x)), or set data.memory to whole if it fits",
    });
  return {
    header,
    rows: { path, start: header.start, rowBytes, remedy: "Start again with a file that stays as it is" },
    checkUnchanged() {
      const now = statSync(path, { throwIfNoEntry: false });
      if (now?.size !== known.size || now.mtimeMs !== known.mtimeMs)
        throw new InputError({
          code: "file-damaged",
          where: path,
          found: "it was changed while it was in use",
          expected: "a file that stays as it is",
          cure: "Start again",
        });
    },
  };
}

function readHeader(path: string): NpyHeader {
  const fd = openSync(path, "r");
  try {
    const first = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, 0));
    };
    const wanted = Math.min(headerBytes(first(PREFIX), path), statSync(path).size);
    return parseHeader(first(wanted), path);
  } finally {
    closeSync(fd);
  }
}

/** An empty array of the type that loading would give: integers are int32 where all fit, which large types must be read to know. */
function typeOf({ header, rows }: OpenFile, count: number): SampleArray {
  const code = header.type.slice(1);
  if (code === "u1") return new Uint8Array(0);
  if (!/^[iu][1248]$/.test(code)) return new Float32Array(0);
  if (/^(i[124]|u2)$/.test(code)) return new Int32Array(0);
  const size = rows.rowBytes / header.elementBytes;
  const { numbers } = decoder(header, new Int32Array(0), rows.path);
  for (const part of rowRanges(count, rows.rowBytes))
    if (!wholeSamples(numbers(rows, part, new Float64Array(part.length * size)))) return new Float32Array(0);
  return new Int32Array(0);
}

interface Decoder {
  /** Rows as samples of the data's type. */
  rows(file: RowFile, indices: Uint32Array, out: SampleArray): void;
  /** Rows as they are. */
  numbers<T extends SampleArray | Float64Array>(file: RowFile, indices: Uint32Array, out: T): T;
}

function decoder(header: NpyHeader, type: SampleArray, path: string): Decoder {
  const { elementBytes } = header;
  const read = numberReader(header, path);
  const same =
    type instanceof Uint8Array ||
    (header.type === "<f4" && type instanceof Float32Array) ||
    (header.type === "<i4" && type instanceof Int32Array);
  const numbers: Decoder["numbers"] = (file, indices, out) => {
    const bytes = new Uint8Array(indices.length * file.rowBytes);
    readRows(file, indices, bytes);
    const view = new DataView(bytes.buffer);
    const count = bytes.length / elementBytes;
    for (let i = 0; i < count; i++) out[i] = read(view, i * elementBytes);
    return out;
  };
  return {
    numbers,
    rows(file, indices, out) {
      if (same) readRows(file, indices, new Uint8Array(out.buffer, out.byteOffset, indices.length * file.rowBytes));
      else numbers(file, indices, out);
    },
  };
}
