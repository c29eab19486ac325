/** Whether data is loaded or stays in its files. */
import { InputError } from "../../base/errors.js";
import { usableMemory } from "../../node/memory.js";
import { checkFile } from "./sources/files.js";

/** Loading an array takes up to four times its file for a while; with the rest of a run this much is safe. */
const SHARE = 1 / 8;
/** The most that Node reads at once. */
const LARGEST = 2 ** 31 - 1;

/**
 * auto: files stay on the disk when together they are larger than an eighth of the memory that this process may use, or
 * one is larger than 2 GiB. What may be used, not what is free: the choice decides the order of training, and the same
 * run must choose the same on the same machine each time.
 * @throws InputError when a file is missing, or too large to be loaded as asked
 */
export function staysInFile(
  choice: "auto" | "whole" | "file",
  paths: readonly string[],
  usable: number = usableMemory(),
): boolean {
  const sizes = paths.map((path) => checkFile(path).size);
  const large = sizes.findIndex((size) => size > LARGEST);
  if (choice === "whole" && large >= 0)
    throw new InputError({
      code: "memory-exceeded",
      where: "data.memory",
      found: `whole, but ${paths[large]} has ${sizes[large]} bytes`,
      expected: `files of at most ${LARGEST} bytes, which is what can be loaded at once`,
      cure: "Set it to file",
    });
  if (choice !== "auto") return choice === "file";
  return large >= 0 || sizes.reduce((a, s) => a + s, 0) > usable * SHARE;
}
