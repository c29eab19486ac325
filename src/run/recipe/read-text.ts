/** The text of a recipe file. */
import { readFileSync, statSync } from "node:fs";
import { InputError } from "../../base/errors.js";

/** Bytes of a recipe at most: lists of ten thousand class names fit, a data file given by mistake does not. */
const LARGEST = 2 ** 20;
const GIVE = "Give a recipe file; limbeck init writes one";

/** @throws InputError when the file is missing, is no file, is too large for a recipe, or is not UTF-8 */
export function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) {
      const found = stat.isDirectory() ? "it is a folder" : "it is not a regular file";
      throw new InputError({ code: "file-is-folder", where: path, found, cure: GIVE });
    }
    if (stat.size > LARGEST)
      throw new InputError({
        code: "file-type",
        where: path,
        found: `it has ${(stat.size / 2 ** 20).toFixed(1)} MB`,
        expected: `a recipe of at most ${LARGEST / 2 ** 20} MB`,
        cure: GIVE,
      });
    bytes = readFileSync(path);
  } catch (cause) {
    throw cause instanceof InputError ? cause : unreadable(path, cause as NodeJS.ErrnoException);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const [first, second] = bytes;
    const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
    throw new InputError(
      {
        code: "encoding-invalid",
        where: path,
        found: wide ? "it is UTF-16 text" : "it is not UTF-8 text",
        expected: "a recipe in UTF-8",
        cure: "Save it as UTF-8, or give a recipe file",
      },
      { cause },
    );
  }
}

function unreadable(where: string, cause: NodeJS.ErrnoException): InputError {
  if (cause.code === "ENOENT")
    return new InputError(
      {
        code: "file-missing",
        where,
        found: "no such recipe",
        cure: "Run limbeck init to write one, or limbeck distill without a file for the digits",
      },
      { cause },
    );
  return new InputError(
    {
      code: "file-unreadable",
      where,
      found: `it cannot be read (${cause.code})`,
      cure: "Check that the file may be read",
    },
    { cause },
  );
}
