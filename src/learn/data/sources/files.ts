/** Files and folders that a recipe names: looked at before they are opened, so that nothing hangs or fails without a name. */
import { lstatSync, readFileSync, readlinkSync, type Stats, statSync } from "node:fs";
import { InputError } from "../../../base/errors.js";

/** The most that Node reads at once. */
const LARGEST = 2 ** 31 - 1;

/**
 * A file that can be read and is not empty.
 * @param expected what it should be, for messages: "a NumPy array"
 * @throws InputError when it is missing, a broken link, a folder, a pipe, empty or not readable
 */
export function checkFile(path: string, expected = "a file"): Stats {
  const stats = statsOf(path, expected);
  if (stats.isDirectory())
    throw new InputError({
      code: "file-is-folder",
      where: path,
      found: "it is a folder",
      expected,
      cure: "Name a file in it",
    });
  if (!stats.isFile())
    throw new InputError({
      code: "file-type",
      where: path,
      found: `it is ${specialKind(stats)}, not a file`,
      expected,
      cure: "Save the data in a file first",
    });
  if (stats.size === 0)
    throw new InputError({
      code: "data-empty",
      where: path,
      found: "the file is empty (0 bytes)",
      expected,
      cure: "Write or fetch it again",
    });
  return stats;
}

/** @throws InputError when there is no such folder, or it is a file */
export function checkFolder(path: string, expected: string): void {
  if (!statsOf(path, expected).isDirectory())
    throw new InputError({
      code: "file-is-folder",
      where: path,
      found: "it is a file",
      expected,
      cure: "Name the folder that holds it",
    });
}

/** A whole file's bytes. @throws InputError as `checkFile`, and for files too large to be read at once */
export function readWholeFile(path: string, expected = "a file"): Uint8Array {
  const { size } = checkFile(path, expected);
  if (size > LARGEST)
    throw new InputError({
      code: "memory-exceeded",
      where: path,
      found: `it has ${size} bytes`,
      expected: `at most ${LARGEST}, which is what can be read at once`,
      cure: "Split it, or save samples as .npy and set data.memory to file",
    });
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function statsOf(path: string, expected: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    const target = linkTarget(path);
    if (target !== null)
      throw new InputError(
        {
          code: "file-missing",
          where: path,
          found: `it is a link to ${target}, which ${codeOf(cause) === "ELOOP" ? "leads back to itself" : "does not exist"}`,
          expected,
          cure: "Mend the link, or name the file itself",
        },
        { cause },
      );
    if (!["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(codeOf(cause) ?? "")) throw unreadable(path, cause);
    throw new InputError(
      {
        code: "file-missing",
        where: path,
        found: "no such file or folder",
        expected,
        cure: "Check the path; in a recipe it is relative to the recipe file",
      },
      { cause },
    );
  }
}

function unreadable(path: string, cause: unknown): InputError {
  return new InputError(
    {
      code: "file-unreadable",
      where: path,
      found: `it cannot be read (${codeOf(cause) ?? String(cause)})`,
      cure: "Check its permissions",
    },
    { cause },
  );
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Where a link points; null for what is not a link. */
function linkTarget(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}

function specialKind(stats: Stats): string {
  if (stats.isFIFO()) return "a named pipe";
  return stats.isSocket() ? "a socket" : "a device";
}
