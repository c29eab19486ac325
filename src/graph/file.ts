/** Models on disk (Node only). */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { writeFileAtomic } from "../atomic.js";
import { InputError } from "../errors.js";
import { readModel } from "./read.js";
import type { Model } from "./types.js";
import { writeModel } from "./write.js";

export interface LoadedModel {
  readonly model: Model;
  readonly bytes: Uint8Array;
  /** Bytes of the file and of every external tensor read: what the model takes on disk. */
  readonly size: number;
  /** Hex SHA-256 of the file and of every external tensor read. */
  readonly hash: string;
}

/**
 * Loads a model. External tensors must lie in or under the model's own folder: names that leave it (absolute, "..",
 * symbolic links) are refused, because a model is data and must not read a user's other files.
 */
export function loadModelFile(path: string): LoadedModel {
  if (!existsSync(path)) throw new InputError(path, "no such file; give the path of an .onnx model");
  if (!statSync(path).isFile()) throw new InputError(path, "it is a folder; give the path of an .onnx model");
  const bytes = readFileSync(path);
  let size = bytes.length;
  const hash = createHash("sha256").update(bytes);
  const external = (location: string, offset: number, length: number | undefined): Uint8Array => {
    const part = readExternal(path, location, offset, length);
    hash.update(part);
    size += part.length;
    return part;
  };
  const model = readModel(bytes, { where: path, externalData: external });
  return { model, bytes, size, hash: hash.digest("hex") };
}

export async function saveModelFile(model: Model, path: string): Promise<void> {
  await writeFileAtomic(path, writeModel(model));
}

function readExternal(path: string, location: string, offset: number, length: number | undefined): Uint8Array {
  const folder = realpathSync(dirname(resolve(path)));
  const refuse = (): InputError =>
    new InputError(
      path,
      `its external data file "${location}" lies outside the model's folder; such files are refused. Move it beside the model`,
    );
  if (location === "" || isAbsolute(location) || location.split(/[\\/]/).includes("..")) throw refuse();
  const target = resolve(folder, location);
  if (!existsSync(target))
    throw new InputError(path, `its external data file "${location}" is missing; it belongs in ${folder}`);
  const inside = relative(folder, realpathSync(target));
  if (inside === "" || inside.startsWith(`..${sep}`) || inside === ".." || isAbsolute(inside)) throw refuse();
  const size = statSync(target).size;
  const wanted = length ?? size - offset;
  if (offset < 0 || wanted < 0 || offset + wanted > size)
    throw new InputError(
      path,
      `its external data file "${location}" has ${size} bytes, but the model reads to ${offset + wanted}; it is cut off or belongs to another model`,
    );
  const out = new Uint8Array(wanted);
  const fd = openSync(target, "r");
  try {
    // One call reads 2 GiB at most.
    for (let done = 0; done < wanted; ) {
      const read = readSync(fd, out, done, Math.min(wanted - done, 2 ** 30), offset + done);
      if (read === 0) throw new InputError(path, `its external data file "${location}" was cut off while it was read`);
      done += read;
    }
  } finally {
    closeSync(fd);
  }
  return out;
}
