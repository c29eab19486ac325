/** What the operating system refuses, as an error of the command line: without this its own code would be all that is said. */
import { type Fault, faultOf, RunError } from "../base/errors.js";

type Part = Pick<Fault, "code" | "found" | "cure">;

const SYSTEM: Readonly<Record<string, Part>> = {
  EACCES: { code: "file-unreadable", found: "permission is denied", cure: "Give a path that you may read and write" },
  EDQUOT: { code: "file-unwritable", found: "the disk quota is used up", cure: "Free space, then use --resume" },
  EIO: { code: "file-unreadable", found: "the disk reports an error", cure: "Check the disk" },
  EISDIR: { code: "file-is-folder", found: "it is a folder", cure: "Give a file" },
  ELOOP: { code: "file-unreadable", found: "its symbolic links form a circle", cure: "Give the file itself" },
  EMFILE: { code: "file-unreadable", found: "too many files are open", cure: "Use fewer jobs, or raise ulimit -n" },
  ENAMETOOLONG: { code: "file-unwritable", found: "the name is too long", cure: "Choose a shorter name" },
  ENFILE: { code: "file-unreadable", found: "too many files are open on this machine", cure: "Close other programs" },
  ENOENT: { code: "file-missing", found: "no such file or folder", cure: "Check the path" },
  ENOMEM: {
    code: "memory-exceeded",
    found: "the machine has no memory left",
    cure: "Use a smaller batch or fewer jobs",
  },
  ENOSPC: { code: "file-unwritable", found: "no space is left on the disk", cure: "Free space, then use --resume" },
  ENOTDIR: { code: "file-is-folder", found: "a part of the path is not a folder", cure: "Check the path" },
  EPERM: {
    code: "file-unwritable",
    found: "the operation is not permitted",
    cure: "Give a path that you may write to",
  },
  EROFS: { code: "file-unwritable", found: "the file system is read-only", cure: "Give another path with --out" },
};

/** The error with its path, what is wrong and what to do where the operating system raised it; any other as it is. */
export function asRunError(error: unknown): unknown {
  if (!(error instanceof Error) || faultOf(error)) return error;
  const { code = "", path, syscall } = error as NodeJS.ErrnoException;
  const known = syscall === undefined ? undefined : SYSTEM[code];
  return known
    ? new RunError({ ...known, where: path ?? syscall ?? "", found: `${known.found} (${code})` }, { cause: error })
    : error;
}
