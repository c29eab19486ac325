/** Says where a file stops being UTF-8 and which encoding it probably is in. */
import { isUtf8 } from "node:buffer";
import { InputError } from "../../../../base/errors.js";
import { quote } from "../../../../base/quote.js";

/** The usual encoding of files that are not UTF-8: a superset of latin-1. */
const LIKELY = "windows-1252";

/**
 * The error for bytes that are not UTF-8, with the line it is in.
 * @param piece bytes of which some are not UTF-8
 * @param before bytes of the file in front of the piece
 * @param reread the file's bytes once more, for counting its lines
 */
export async function invalidUtf8(
  path: string,
  piece: Buffer,
  before: number,
  reread: () => AsyncIterable<Buffer>,
): Promise<InputError> {
  const at = before + firstInvalid(piece);
  const { line, text, byte } = await lineAt(at, reread());
  return new InputError({
    code: "encoding-invalid",
    where: path,
    found: `line ${line} holds the byte 0x${byte.toString(16).padStart(2, "0")} (byte ${at + 1} of the file), which is not UTF-8; read as ${LIKELY} the line is ${quote(text)}`,
    expected: "text in UTF-8",
    cure: `Set data.encoding to ${LIKELY} (or to the encoding it was saved in), or save the file as UTF-8`,
  });
}

/** Place of the first byte that no character in UTF-8 can have there. */
function firstInvalid(bytes: Buffer): number {
  let [low, high] = [0, bytes.length];
  // The bytes up to `low` are valid, those up to `high` are not.
  while (high - low > 4) {
    const middle = startOfCharacter(bytes, (low + high) >> 1, low);
    if (middle === low) break;
    if (isUtf8(bytes.subarray(low, middle))) low = middle;
    else high = middle;
  }
  let at = low;
  while (at < bytes.length) {
    const length = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isUtf8(bytes.subarray(at, at + n)));
    if (length === undefined) return at;
    at += length;
  }
  return at;
}

function startOfCharacter(bytes: Buffer, from: number, least: number): number {
  let at = from;
  while (at > least && ((bytes[at] as number) & 0xc0) === 0x80) at--;
  return at;
}

async function lineAt(
  at: number,
  pieces: AsyncIterable<Buffer>,
): Promise<{ line: number; text: string; byte: number }> {
  let line = 1;
  let passed = 0;
  let start: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const inside = at - passed;
    const until = Math.min(inside, piece.length);
    let from = 0;
    for (let next = piece.indexOf(0x0a); next >= 0 && next < until; next = piece.indexOf(0x0a, from)) {
      line++;
      from = next + 1;
      start = Buffer.alloc(0);
    }
    if (inside < piece.length) {
      const next = piece.indexOf(0x0a, inside);
      const bytes = Buffer.concat([start, piece.subarray(from, next < 0 ? piece.length : next)]);
      return { line, text: new TextDecoder(LIKELY).decode(bytes).trimEnd(), byte: piece[inside] as number };
    }
    start = piece.subarray(from);
    passed += piece.length;
  }
  return { line, text: "", byte: 0 };
}
