/** What the header of a NumPy array says (NEP 1; format versions 1 to 3), and how its elements are read. */
import { InputError } from "../../../base/errors.js";
import { fromHalf } from "../../../engine/graph/half.js";

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

const readerOf = (type: string) => (Object.hasOwn(READERS, type.slice(1)) ? READERS[type.slice(1)] : undefined);

export interface NpyHeader {
  readonly shape: readonly number[];
  /** NumPy's name of the element type: "<f4", "|u1", "<U3" ... */
  readonly type: string;
  /** The first index runs fastest (Fortran order). */
  readonly columnMajor: boolean;
  /** Bytes in front of the first element. */
  readonly start: number;
  readonly elementBytes: number;
}

/** Bytes that `headerBytes` needs. */
export const PREFIX = 12;

const EXPECTED = "a NumPy array (.npy)";

/**
 * Bytes of the whole header, from the first of them.
 * @throws InputError when they are no beginning of a NumPy array
 */
export function headerBytes(bytes: Uint8Array, name: string): number {
  if (bytes.length < 10 || new TextDecoder("latin1").decode(bytes.subarray(1, 6)) !== "NUMPY" || bytes[0] !== 0x93)
    throw new InputError({
      code: "file-type",
      where: name,
      found: `not a NumPy array: it does not begin with \\x93NUMPY${isZip(bytes) ? ", but is a ZIP archive" : ""}`,
      expected: EXPECTED,
      cure: isZip(bytes) ? "Set data.source to npz if it is an .npz archive" : "Write it with numpy.save",
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isLong(bytes)) return 10 + view.getUint16(8, true);
  if (bytes.length < PREFIX) throw cutOff(name);
  return PREFIX + view.getUint32(8, true);
}

const isLong = (bytes: Uint8Array): boolean => (bytes[6] as number) >= 2;
const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

const cutOff = (name: string): InputError =>
  new InputError({
    code: "file-damaged",
    where: name,
    found: "the NumPy header is cut off",
    expected: EXPECTED,
    cure: "Write or fetch it again",
  });

/** @throws InputError when it is no NumPy array, or holds neither numbers nor text */
export function parseHeader(bytes: Uint8Array, name: string): NpyHeader {
  const start = headerBytes(bytes, name);
  if (bytes.length < start) throw cutOff(name);
  const header = new TextDecoder().decode(bytes.subarray(isLong(bytes) ? PREFIX : 10, start));
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? structureOf(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const shape = (dims ?? "?")
    .split(",")
    .map((d) => d.trim())
    .filter(Boolean)
    .map(Number);
  if (!type || !order || shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    throw new InputError({
      code: "file-damaged",
      where: name,
      found: `the NumPy header does not say type, order and shape: ${header.trim().slice(0, 120)}`,
      expected: EXPECTED,
      cure: "Write or fetch it again",
    });
  return { shape, type, columnMajor: order === "True", start, elementBytes: elementBytes(type, name) };
}

/** The fields of a structured type as they are written; undefined of any other. */
const structureOf = (header: string): string | undefined => /'descr':\s*(\[.*?\])\s*,\s*'/s.exec(header)?.[1];

/** Bytes of an element. @throws InputError for elements that are neither numbers nor text, with what they are */
function elementBytes(type: string, name: string): number {
  const reader = readerOf(type);
  if (reader) return reader.size;
  const text = /^[<>|=]([US])(\d+)$/.exec(type);
  if (text) return Number(text[2]) * (text[1] === "U" ? 4 : 1);
  const [what, cure] = refusal(type);
  throw new InputError({
    code: "file-type",
    where: name,
    found: `its elements are ${what} ("${type.slice(0, 60)}")`,
    expected: "numbers, or text for labels",
    cure,
  });
}

function refusal(type: string): [what: string, cure: string] {
  if (type.startsWith("[")) return ["records with named fields", "Save one field, as in numpy.save(path, x['name'])"];
  const kind = type.replace(/^[<>|=]/, "")[0];
  if (kind === "O")
    return [
      "Python objects, which NumPy stores as a pickle; a pickle can run code when it is read",
      "Save labels with numpy.save(path, y.astype(str)) or as integers, samples with x.astype('float32')",
    ];
  if (kind === "c") return ["complex numbers", "Save real numbers, such as numpy.abs(x)"];
  if (kind === "M" || kind === "m") return ["dates or durations", "Save numbers or text, as in x.astype(str)"];
  if (kind === "V") return ["raw bytes without a type", "Save numbers, as in x.view('uint8')"];
  return ["of a type that cannot be read here", "Save it with x.astype('float32') or as integers"];
}

/** Whether the elements are text. */
export const isText = ({ type }: Pick<NpyHeader, "type">): boolean => /^.[US]\d+$/.test(type);

/** Reads an element that is a number. @throws InputError where elements are text */
export function numberReader({ type }: Pick<NpyHeader, "type">, name: string): (view: DataView, at: number) => number {
  const reader = readerOf(type);
  if (!reader)
    throw new InputError({
      code: "file-type",
      where: name,
      found: `its elements are text ("${type}")`,
      expected: "numbers",
      cure: "Save numbers; only labels may be text",
    });
  const little = !type.startsWith(">");
  return (view, at) => reader.read(view, at, little);
}

/** Reads an element that is text: four bytes a character ("U"), or UTF-8 ("S"); zeros fill it up. */
export function textReader(
  { type, elementBytes: size }: Pick<NpyHeader, "type" | "elementBytes">,
  name: string,
): (view: DataView, at: number) => string {
  const little = !type.startsWith(">");
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const wide = type[1] === "U";
  return (view, at) => {
    try {
      if (!wide) return utf8.decode(new Uint8Array(view.buffer, view.byteOffset + at, size)).replace(/\0+$/, "");
      let text = "";
      for (let i = 0; i < size; i += 4) text += String.fromCodePoint(view.getUint32(at + i, little));
      return text.replace(/\0+$/, "");
    } catch (cause) {
      throw new InputError(
        {
          code: "encoding-invalid",
          where: name,
          found: `an element is not ${wide ? "a Unicode text" : "text in UTF-8"}`,
          expected: "text",
          cure: "Save it with numpy.save(path, y.astype(str))",
        },
        { cause },
      );
    }
  };
}

/** @throws InputError when the elements take other than the given bytes */
export function checkLength(shape: readonly number[], type: string, needed: number, found: number, name: string): void {
  if (found !== needed)
    throw new InputError({
      code: "file-damaged",
      where: name,
      found: `[${shape}] of ${type} takes ${needed} bytes, and it holds ${found}`,
      expected: `${needed} bytes`,
      cure: "Write or fetch it again",
    });
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
  const [count, ...rest] = array;
  if (count === undefined || array.length > 4)
    throw new InputError({
      code: "array-mismatch",
      where: name,
      found: count === undefined ? "it holds a single number" : `an array of shape [${array}]`,
      expected: "[N, features], [N, H, W] or [N, C, H, W]",
      cure: "Reshape it before it is saved",
    });
  if (array.includes(0))
    throw new InputError({
      code: "data-empty",
      where: name,
      found: `it holds no ${count === 0 ? "samples" : "values"} (shape [${array}])`,
      expected: "at least one sample",
      cure: "Check that it is the right one",
    });
  if (rest.length === 0) return { count, shape: [1], channelsLast: false };
  if (rest.length === 2) return { count, shape: [1, ...rest], channelsLast: false };
  const [h, w, c] = rest as [number, number, number];
  if (rest.length === 3 && [1, 3, 4].includes(c) && h > 4) return { count, shape: [c, h, w], channelsLast: true };
  return { count, shape: rest, channelsLast: false };
}
