/** What the header of a NumPy array says (NEP 1; format versions 1 to 3), and how its elements are read. */
import { InputError } from "../errors.js";
import { fromHalf } from "../graph/half.js";

/** Bytes of an element and how it is read, by NumPy's type code. */
const READERS: Readonly<Record<string, { size: number; read: (v: DataView, at: number, little: boolean) => number }>> =
  {
    b1: { size: 1, read: (v, at) => v.getUint8(at) },
    u1: { size: 1, read: (v, at) => v.getUint8(at) },
    i1: { size: 1, read: (v, at) => v.getInt8(at) },
    u2: { size: 2, read: (v, at, le) => v.getUint16(at, le) },
    i2: { size: 2, read: (v, at, le) => v.getInt16(at, le) },
    u4: { size: 4, read: (v, at, le) => v.getUint32(at, le) },
    i4: { size: 4, read: (v, at, le) => v.getInt32(at, le) },
    u8: { size: 8, read: (v, at, le) => Number(v.getBigUint64(at, le)) },
    i8: { size: 8, read: (v, at, le) => Number(v.getBigInt64(at, le)) },
    f2: { size: 2, read: (v, at, le) => fromHalf(Uint16Array.of(v.getUint16(at, le)))[0] as number },
    f4: { size: 4, read: (v, at, le) => v.getFloat32(at, le) },
    f8: { size: 8, read: (v, at, le) => v.getFloat64(at, le) },
  };

export interface NpyHeader {
  readonly shape: readonly number[];
  /** NumPy's name of the element type: "<f4", "|u1" ... */
  readonly type: string;
  /** The first index runs fastest (Fortran order). */
  readonly columnMajor: boolean;
  /** Bytes in front of the first element. */
  readonly start: number;
  readonly elementBytes: number;
  readonly read: (view: DataView, at: number) => number;
}

/** Bytes that `headerBytes` needs. */
export const PREFIX = 12;

/**
 * Bytes of the whole header, from the first of them.
 * @throws InputError when they are no beginning of a NumPy array
 */
export function headerBytes(bytes: Uint8Array, name: string): number {
  if (bytes.length < 10 || new TextDecoder("latin1").decode(bytes.subarray(1, 6)) !== "NUMPY" || bytes[0] !== 0x93)
    throw new InputError(name, "not a NumPy array: it does not begin with \\x93NUMPY");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isLong(bytes)) return 10 + view.getUint16(8, true);
  if (bytes.length < PREFIX) throw new InputError(name, "the NumPy header is cut off");
  return PREFIX + view.getUint32(8, true);
}

const isLong = (bytes: Uint8Array): boolean => (bytes[6] as number) >= 2;

/** @throws InputError when it is no NumPy array, or holds objects or text */
export function parseHeader(bytes: Uint8Array, name: string): NpyHeader {
  const start = headerBytes(bytes, name);
  if (bytes.length < start) throw new InputError(name, "the NumPy header is cut off");
  const header = new TextDecoder().decode(bytes.subarray(isLong(bytes) ? PREFIX : 10, start));
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const reader = type && READERS[type.slice(1)];
  if (!type || !order || dims === undefined || !reader)
    throw new InputError(
      name,
      `element type ${type ?? "with fields"} cannot be used; expected numbers (save with allow_pickle=False)`,
    );
  const shape = dims
    .split(",")
    .map((d) => d.trim())
    .filter(Boolean)
    .map(Number);
  const little = !type.startsWith(">");
  const read = (view: DataView, at: number): number => reader.read(view, at, little);
  return { shape, type, columnMajor: order === "True", start, elementBytes: reader.size, read };
}

/** @throws InputError when the elements take other than the given bytes */
export function checkLength(shape: readonly number[], type: string, needed: number, found: number, name: string): void {
  if (found !== needed) throw new InputError(name, `[${shape}] of ${type} takes ${needed} bytes, found ${found}`);
}

export interface SampleLayout {
  readonly count: number;
  /** Of one sample, channels first. */
  readonly shape: readonly number[];
  /** The file has the channels of a pixel together. */
  readonly channelsLast: boolean;
}

/** [N], [N,F] (features, token ids), [N,H,W] and [N,C,H,W]; [N,H,W,C] with 1, 3 or 4 channels is turned around. */
export function sampleLayout(array: readonly number[], name: string): SampleLayout {
  const [count = 0, ...rest] = array;
  if (count === 0) throw new InputError(name, "it holds no samples");
  if (array.length > 4)
    throw new InputError(name, `an array of shape [${array}]; expected [N, features], [N, H, W] or [N, C, H, W]`);
  if (rest.length === 0) return { count, shape: [1], channelsLast: false };
  if (rest.length === 2) return { count, shape: [1, ...rest], channelsLast: false };
  const [h, w, c] = rest as [number, number, number];
  if (rest.length === 3 && [1, 3, 4].includes(c) && h > 4) return { count, shape: [c, h, w], channelsLast: true };
  return { count, shape: rest, channelsLast: false };
}
