/** NumPy arrays (.npy; NEP 1, format versions 1 to 3). */
import { sizeOf } from "../../../engine/graph/tensor.js";
import { checkLength, numberReader, parseHeader } from "./npy-format.js";

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major, as numbers: bytes stay bytes, everything else becomes float64. */
  readonly data: Uint8Array | Float64Array;
  /** NumPy's name of the element type: "<f4", "|u1" ... */
  readonly type: string;
}

/**
 * Reads one array.
 * @throws InputError when it is no NumPy array, holds objects or text, or is cut off
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = parseHeader(bytes, name);
  const { shape, type, columnMajor, start, elementBytes } = header;
  const read = numberReader(header, name);
  const size = sizeOf(shape);
  checkLength(shape, type, size * elementBytes, bytes.length - start, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = type.endsWith("u1")
    ? new Uint8Array(bytes.subarray(start))
    : Float64Array.from({ length: size }, (_, i) => read(view, start + i * elementBytes));
  return { shape, type, data: columnMajor ? rowMajor(data, shape) : data };
}

/** From column-major (the first index runs fastest) to row-major. */
function rowMajor(from: Uint8Array | Float64Array, shape: readonly number[]): Uint8Array | Float64Array {
  const to = from instanceof Uint8Array ? new Uint8Array(from.length) : new Float64Array(from.length);
  const index = shape.map(() => 0);
  for (let flat = 0; flat < from.length; flat++) {
    let source = 0;
    for (let d = shape.length - 1; d >= 0; d--) source = source * (shape[d] as number) + (index[d] as number);
    to[flat] = from[source] as number;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
  return to;
}
