/** The bytes of a text file as UTF-8, piece by piece: decompressed, decoded, without a byte order mark. */
import { isAscii, isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { TextDecoder } from "node:util";
import { createGunzip } from "node:zlib";
import { InputError } from "../../../../base/errors.js";
import { maxOf, minOf } from "../../../../base/extremes.js";
import type { DataFinding } from "../../findings.js";
import { invalidUtf8 } from "./encoding.js";

const PIECE = 1 << 20;

export interface TextFile {
  readonly path: string;
  /** As the recipe says; absent: UTF-8. */
  readonly encoding?: string | undefined;
}

/**
 * Pieces of the file as UTF-8. None ends within a character.
 * @throws InputError where the file is not in this encoding, not text, or damaged
 */
export async function* utf8Pieces({ path, encoding }: TextFile): AsyncGenerator<Buffer> {
  const decoder = encoding === undefined ? null : decoderOf(encoding);
  if (decoder && decoder.encoding !== "utf-8") {
    yield* decoded(path, decoder);
    return;
  }
  let rest: Buffer = Buffer.alloc(0);
  let before = 0;
  let first = true;
  for await (const piece of rawPieces(path)) {
    let bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    if (first) {
      if (bytes.length < 4) {
        rest = bytes;
        continue;
      }
      refuseOther(path, bytes);
      const unmarked = withoutMark(bytes);
      before = bytes.length - unmarked.length;
      bytes = unmarked;
      first = false;
    }
    const end = wholeCharacters(bytes);
    rest = bytes.subarray(end);
    const whole = bytes.subarray(0, end);
    if (!isUtf8(whole)) throw await invalidUtf8(path, whole, before, () => rawPieces(path));
    before += end;
    yield whole;
  }
  if (first) rest = withoutMark(rest);
  if (rest.length > 0) {
    if (!isUtf8(rest)) throw await invalidUtf8(path, rest, before, () => rawPieces(path));
    yield rest;
  }
}

/** @throws InputError for an encoding that is not known */
export function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(labelOf(encoding), { fatal: true });
  } catch {
    throw new InputError({
      code: "option-invalid",
      where: "data.encoding",
      found: `"${encoding}" is not a known encoding`,
      expected:
        "utf-8, utf-16, windows-1252, latin-1, iso-8859-2, windows-1251, gbk, shift_jis or another of the web's",
    });
  }
}

/** The web's label for an encoding that may be written as in Python: latin-1, utf_8, utf-16-le. */
function labelOf(encoding: string): string {
  const plain = encoding.trim().toLowerCase();
  if (/^latin[-_]1$/.test(plain)) return "latin1";
  if (/^utf[-_]?8[-_]sig$/.test(plain)) return "utf-8";
  const wide = /^utf[-_]?16[-_]?([bl]e)$/.exec(plain);
  if (wide) return `utf-16${wide[1]}`;
  return plain === "shift_jis" ? plain : plain.replaceAll("_", "-");
}

async function* decoded(path: string, decoder: TextDecoder): AsyncGenerator<Buffer> {
  let used = decoder;
  let first = true;
  try {
    for await (const piece of rawPieces(path)) {
      // "utf-16" means what the byte order mark says.
      if (first && used.encoding === "utf-16le" && piece[0] === 0xfe && piece[1] === 0xff)
        used = new TextDecoder("utf-16be", { fatal: true });
      first = false;
      yield Buffer.from(used.decode(piece, { stream: true }));
    }
    yield Buffer.from(used.decode());
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new InputError(
      {
        code: "encoding-invalid",
        where: path,
        found: `it is not valid ${used.encoding}, which data.encoding says`,
        cure: "Correct data.encoding, or leave it out for a file in UTF-8",
      },
      { cause },
    );
  }
}

/** The bytes as they are in the file, decompressed where its name ends with .gz. */
async function* rawPieces(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: PIECE });
  const packed = path.toLowerCase().endsWith(".gz");
  try {
    yield* packed ? pipeline(file, createGunzip({ chunkSize: PIECE }), () => {}) : file;
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    const damaged = code.startsWith("Z_");
    throw new InputError(
      {
        code: damaged ? "file-damaged" : "file-unreadable",
        where: path,
        found: damaged
          ? `it cannot be decompressed (${message}): it is cut off, or not a gzip file`
          : `it cannot be read (${code || message})`,
        cure: damaged ? "Fetch or write the file again" : "Check that the file may be read",
      },
      { cause },
    );
  }
}

/** Text that is valid UTF-8 and more than ASCII is hardly ever meant as anything else. */
export async function encodingFinding({ path, encoding }: TextFile): Promise<DataFinding[]> {
  if (encoding === undefined || /^utf-(8|16)/.test(decoderOf(encoding).encoding)) return [];
  let rest: Buffer = Buffer.alloc(0);
  let beyondAscii = false;
  for await (const piece of rawPieces(path)) {
    const bytes = Buffer.concat([rest, piece]);
    const end = wholeCharacters(bytes);
    rest = bytes.subarray(end);
    if (!isUtf8(bytes.subarray(0, end))) return [];
    beyondAscii ||= !isAscii(bytes);
  }
  if (rest.length > 0 || !beyondAscii) return [];
  return [
    {
      code: "encoding-doubtful",
      level: "warning",
      where: path,
      text: `The file is valid UTF-8, but it was read as ${encoding}, so letters beyond ASCII are probably wrong.`,
      cure: "Remove data.encoding.",
    },
  ];
}

/** Whether the file begins with the byte order mark of UTF-8. */
export async function hasByteOrderMark(path: string): Promise<boolean> {
  for await (const piece of rawPieces(path)) return withoutMark(piece) !== piece;
  return false;
}

const withoutMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;

/** How many bytes end with a whole character: one that is cut at the end belongs to the next piece. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

const SIGNATURES: readonly (readonly [string, string])[] = [
  ["PAR1", "a Parquet file"],
  ["PK\u0003\u0004", "a zip archive or an Excel workbook (.xlsx)"],
  ["\u001f\u008b", "compressed with gzip"],
  ["\u00d0\u00cf\u0011\u00e0", "an old Excel workbook (.xls)"],
  ["\u0093NUMPY", "a NumPy array"],
  ["SQLite format 3", "an SQLite database"],
  ["version https://git-lfs", "a Git LFS pointer, not the file itself"],
];

/** Refuses files that are not text, or text in UTF-16, by how they begin. */
function refuseOther(path: string, bytes: Buffer): void {
  const start = bytes.toString("latin1", 0, 32);
  const other = SIGNATURES.find(([signature]) => start.startsWith(signature));
  if (other)
    throw new InputError({
      code: "file-type",
      where: path,
      found: `its content is ${other[1]}`,
      expected: "text, as its name says",
      cure: "Correct the file's ending, or export the table again",
    });
  const mark = start.startsWith("\u00ff\u00fe") || start.startsWith("\u00fe\u00ff");
  const head = bytes.subarray(0, 4096);
  const zeros = [0, 1].map((odd) => head.reduce((n, byte, i) => n + Number(byte === 0 && i % 2 === odd), 0));
  if (mark || maxOf(zeros) > 8 * minOf(zeros) + head.length / 8) throw looksUtf16(path, mark);
  if (head.includes(0)) throw binary(path, head.indexOf(0));
}

const looksUtf16 = (path: string, mark: boolean): InputError =>
  new InputError({
    code: "encoding-invalid",
    where: path,
    found: mark ? "it begins with the mark of UTF-16" : "every other byte is zero, as in UTF-16",
    expected: "UTF-8",
    cure: "Set data.encoding to utf-16, or save the file as UTF-8",
  });

const binary = (path: string, at: number): InputError =>
  new InputError({
    code: "file-type",
    where: path,
    found: `byte ${at + 1} is zero, which text never holds`,
    expected: "a text file",
    cure: "Export the table again",
  });
