/** Files whose names the user gave. */
import { existsSync } from "node:fs";
import { writeFileAtomic } from "../../node/atomic.js";
import { InputError } from "../../base/errors.js";

/** @throws InputError when something has this name already */
export function refuseOverwrite(path: string): void {
  if (existsSync(path))
    throw new InputError({
      code: "file-exists",
      where: path,
      found: "it exists already and is not overwritten",
      cure: "Give another file name",
    });
}

/** Writes a new file, whole or not at all. @throws InputError when it exists or cannot be written */
export async function writeOutput(path: string, content: Uint8Array | string): Promise<void> {
  refuseOverwrite(path);
  try {
    await writeFileAtomic(path, content);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InputError(
      {
        code: "file-unwritable",
        where: path,
        found: `it cannot be written (${code})`,
        cure: "Give a file in a folder you may write to",
      },
      { cause },
    );
  }
}
