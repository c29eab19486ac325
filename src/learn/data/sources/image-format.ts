/** What a file is by its first bytes, whatever its name says. Nothing here is Node's. */

/** Bytes that `formatOf` looks at. */
export const HEAD = 512;

export interface FileFormat {
  /** As people call it. */
  readonly name: string;
  /** Whether images of this format are decoded. */
  readonly readable: boolean;
}

/** A character for each byte; what TextDecoder calls latin1 is another table. */
const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  Array.from(bytes.subarray(from, to), (byte) => String.fromCharCode(byte)).join("");

const MAGIC: readonly (readonly [text: string, name: string, readable: boolean])[] = [
  ["\xff\xd8\xff", "JPEG", true],
  ["\x89PNG", "PNG", true],
  ["GIF8", "GIF", true],
  ["II*\0", "TIFF", true],
  ["MM\0*", "TIFF", true],
  ["II+\0", "TIFF", true],
  ["MM\0+", "TIFF", true],
  ["BM", "BMP", false],
  ["%PDF", "PDF", false],
  ["8BPS", "Photoshop", false],
  ["PK", "a ZIP archive", false],
  ["\x1f\x8b", "gzip data", false],
  ["\0\0\0\x0cJXL", "JPEG XL", false],
  ["\xff\x0a", "JPEG XL", false],
  ["\0\0\0\x0cjP", "JPEG 2000", false],
  ["\x93NUMPY", "a NumPy array", false],
  ["version https://git-lfs", "a Git LFS pointer, not the file itself", false],
];

/** The format of a file; null where it is not recognised. @param head its first bytes */
export function formatOf(head: Uint8Array): FileFormat | null {
  const start = ascii(head, 0, 32);
  if (start.startsWith("RIFF") && start.slice(8, 12) === "WEBP") return { name: "WebP", readable: true };
  if (start.slice(4, 8) === "ftyp") return boxFormat(start.slice(8, 12), ascii(head, 16, 64));
  const found = MAGIC.find(([magic]) => start.startsWith(magic));
  if (found) return { name: found[1], readable: found[2] };
  const text = new TextDecoder().decode(head).toLowerCase();
  if (/<svg[\s>]/.test(text)) return { name: "SVG, a drawing without pixels", readable: false };
  if (/^\s*(<!doctype html|<html)/.test(text)) return { name: "a web page (HTML)", readable: false };
  if (/^\s*<\?xml/.test(text)) return { name: "XML", readable: false };
  return null;
}

/** ISO media files say their brand, and further ones that they are compatible with. */
function boxFormat(brand: string, others: string): FileFormat {
  if (/^avi[fs]/.test(brand) || /avi[fs]/.test(others)) return { name: "AVIF", readable: true };
  if (/^(hei|hev|mif1|msf1)/.test(brand)) return { name: "HEIC", readable: false };
  return { name: "a video", readable: false };
}
