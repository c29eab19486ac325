/** Models on disk (Node only). */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { writeFileAtomic } from "./atomic.js";
import { type ErrorCode, InputError } from "../base/errors.js";
import { quote } from "../base/quote.js";
import { readModel } from "../engine/graph/read.js";
import type { Model } from "../engine/graph/types.js";
import { writeModel } from "../engine/graph/write.js";

export interface LoadedModel {
  readonly model: Model;
  readonly bytes: Uint8Array;
  /** Bytes of the file and of every external tensor read: what the model takes on disk. */
  readonly size: number;
  /** Hex SHA-256 of the file and of every external tensor read. */
  readonly hash: string;
}

const CURE = "Give the path of an .onnx model";

/**
 * Loads a model. External tensors must lie in or under the model's own folder: names that leave it (absolute, "..",
 * symbolic links) are refused, because a model is data and must not read a user's other files.
 */
export function loadModelFile(path: string): LoadedModel {
  const bytes = readWhole(path);
  let size = bytes.length;
  const hash = createHash("sha256").update(bytes);
  const external = (location: string, offset: number, length: number | undefined): Uint8Array => {
    const part = readExternal(path, location, offset, length);
    hash.update(part);
    size += part.length;
    return part;
  };
  const model = readModel(bytes, { where: path, externalData: external });
  checkOpset(model, path);
  return { model, bytes, size, hash: hash.digest("hex") };
}

function readWhole(path: string): Uint8Array {
  if (!existsSync(path)) throw new InputError({ code: "file-missing", where: path, found: missing(path), cure: CURE });
  const stat = statSync(path);
  if (!stat.isFile()) {
    const found = stat.isDirectory() ? "it is a folder" : "it is not a regular file";
    throw new InputError({ code: "file-is-folder", where: path, found, cure: CURE });
  }
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const found = `it cannot be read (${code ?? "unknown reason"})`;
    throw new InputError({ code: "file-unreadable", where: path, found, cure: "Check its permissions" }, { cause });
  }
}

/** The opset stands behind the graph: where it is missing, the file was cut off there. Before IR version 3 there was one opset. */
function checkOpset({ opsets, irVersion }: Model, where: string): void {
  if (Object.keys(opsets).length > 0 || irVersion < 3) return;
  throw new InputError({
    code: "file-damaged",
    where,
    found: "it does not name its opset, so the file may be cut off",
    expected: "an ONNX model with opset_import",
    cure: "Fetch or export the model again",
  });
}

/** A link whose target is gone is there, and is no file. */
function missing(path: string): string {
  try {
    return `it is a link to ${quote(readlinkSync(path))}, which does not exist`;
  } catch {
    return "no such file";
  }
}

export async function saveModelFile(model: Model, path: string): Promise<void> {
  await writeFileAtomic(path, writeModel(model));
}

function readExternal(path: string, location: string, offset: number, length: number | undefined): Uint8Array {
  const folder = realpathSync(dirname(resolve(path)));
  const external = `its external data file ${quote(location)}`;
  const fault = (code: ErrorCode, found: string, cure: string, expected?: string): InputError =>
    new InputError({ code, where: path, found: `${external} ${found}`, expected, cure });
  const refuse = (): InputError =>
    fault("file-unreadable", "lies outside the model's folder", "Move the file beside the model and name it there");
  if (location === "" || isAbsolute(location) || location.split(/[\\/]/).includes("..")) throw refuse();
  const target = resolve(folder, location);
  if (!existsSync(target)) throw fault("file-missing", "is missing", `Put the file into ${folder}`);
  if (!statSync(target).isFile()) throw fault("file-is-folder", "is not a file", `Put the file into ${folder}`);
  const inside = relative(folder, realpathSync(target));
  if (inside === "" || inside.startsWith(`..${sep}`) || inside === ".." || isAbsolute(inside)) throw refuse();
  const size = statSync(target).size;
  const wanted = length ?? size - offset;
  if (isPointer(target)) throw fault("file-type", "is a Git LFS pointer", "Fetch the file with git lfs pull");
  if (offset < 0 || wanted < 0 || offset + wanted > size)
    throw fault("file-damaged", `has ${size} bytes`, "Fetch the file of this model again", `${offset + wanted} bytes`);
  const out = new Uint8Array(wanted);
  const fd = openSync(target, "r");
  try {
    // One call reads 2 GiB at most.
    for (let done = 0; done < wanted; ) {
      const read = readSync(fd, out, done, Math.min(wanted - done, 2 ** 30), offset + done);
      if (read === 0)
        throw fault("file-damaged", "became shorter while it was read", "Wait until it is written, then try again");
      done += read;
    }
  } finally {
    closeSync(fd);
  }
  return out;
}

/** Whether Git LFS left a note instead of the file. */
function isPointer(path: string): boolean {
  return statSync(path).size < 1000 && readFileSync(path, "latin1").startsWith("version https://git-lfs");
}
