/** Writes NumPy files (NEP 1, version 1.0) for tests that need data on disk. */

/** @param type NumPy's name of the element type, "<i8" ... */
export function encodeNpy(type: string, shape: readonly number[], data: ArrayBufferView): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = Buffer.from(`${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`);
  const head = [0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 255, header.length >> 8];
  return Buffer.concat([Buffer.from(head), header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}
