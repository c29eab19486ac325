/**
 * The safetensors container: 8 bytes of header length, a JSON header, then raw little-endian data.
 * Only float32, written in sorted order without time stamps, so equal content gives equal bytes.
 */
import { InputError } from "../../base/errors.js";

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** String metadata, as the format has it. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Serialises float32 vectors. Shapes are flat: who reads them knows the real ones. */
export function encodeSafetensors(file: TensorFile): Uint8Array {
  const names = [...file.tensors.keys()].sort();
  const header: Record<string, Entry | Record<string, string>> = { __metadata__: { ...file.metadata } };
  let offset = 0;
  for (const name of names) {
    const { byteLength, length } = file.tensors.get(name) as Float32Array;
    header[name] = { dtype: "F32", shape: [length], data_offsets: [offset, offset + byteLength] };
    offset += byteLength;
  }
  let json = JSON.stringify(header);
  json += " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8);
  const head = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + head.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const name of names) {
    const data = file.tensors.get(name) as Float32Array;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads what `encodeSafetensors` wrote (any float32 safetensors file).
 * @param where file name for messages
 * @throws InputError when the bytes are truncated or not safetensors
 */
export function decodeSafetensors(bytes: Uint8Array, where: string): TensorFile {
  const broken = (found: string, expected?: string): InputError =>
    new InputError({
      code: "file-damaged",
      where,
      found,
      expected: expected ?? "a safetensors file",
      cure: "Delete it, or restore a copy",
    });
  if (bytes.byteLength < 8) throw broken(`it has ${bytes.byteLength} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.byteLength - 8)
    throw broken(`it has ${bytes.byteLength} bytes`, `a header of ${length} bytes, as it says itself, and data`);
  let header: Record<string, Entry>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, Entry>;
  } catch (cause) {
    throw broken(`its header is not JSON (${(cause as Error).message})`);
  }
  const tensors = new Map<string, Float32Array>();
  const start = 8 + length;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = entry.data_offsets;
    if (entry.dtype !== "F32") throw broken(`its tensor "${name}" is ${entry.dtype}`, "F32");
    if (start + to > bytes.byteLength) throw broken(`its tensor "${name}" ends after the file does`);
    tensors.set(name, new Float32Array(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer));
  }
  return { tensors, metadata: (header.__metadata__ ?? {}) as unknown as Record<string, string> };
}
