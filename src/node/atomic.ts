/** Files appear under their final name whole or not at all. */
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Writes to a temporary name in the same folder, flushes to the disk and renames. Creates the folder when missing. */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  makeFolder(dirname(path));
  const temporary = temporaryFor(path);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameWithRetry(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a new file in an existing folder; of several processes that try at once, one succeeds. The others see its whole
 * content, except on file systems without hard links, where a reader may come before the content.
 * @returns false when something has this name already
 */
export function createFileAtomic(path: string, content: string): boolean {
  const temporary = temporaryFor(path);
  try {
    writeNew(temporary, content);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    // The temporary file is gone: whoever owns the folder by now has cleared it.
    if (code === "EEXIST" || code === "ENOENT") return false;
    if (!NO_LINKS.has(code)) throw error;
    return createDirectly(path, content);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** What file systems without hard links say. */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "EACCES"]);

function createDirectly(path: string, content: string): boolean {
  try {
    writeNew(path, content);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function writeNew(path: string, content: string): void {
  const file = openSync(path, "wx");
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** In the same folder, so that renaming it is atomic. */
const temporaryFor = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);

/**
 * Makes a folder and what is missing above it, one level at a time: Node's own recursive form never comes back where a
 * file system answers "no such file" to its very attempt (/proc).
 */
export function makeFolder(path: string): void {
  const folder = resolve(path);
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!(existsSync(folder) && statSync(folder).isDirectory())) throw error;
  }
}

/** Whether a file name is one of `writeFileAtomic`'s temporary ones; after a kill they may be left. */
export function isTemporary(name: string): boolean {
  return /^\..+\.\d+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/** On Windows a virus scanner or an indexer may hold the target for a moment. */
async function renameWithRetry(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (attempt >= 10 || !["EPERM", "EACCES", "EBUSY"].includes(code)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 * (attempt + 1)));
    }
  }
}
