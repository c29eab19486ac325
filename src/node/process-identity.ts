/** Which process this is, and whether another one still runs. Its number alone does not tell: numbers are given out again. */
import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** On Linux: where the number counts; every container has a namespace of its own. */
  readonly namespace?: string | undefined;
  /** On Linux: of this start of the computer. */
  readonly boot?: string | undefined;
  /** When the process began, in the system's own words: the same as long as it lives. Absent where that cannot be read. */
  readonly started?: string | undefined;
}

/** `elsewhere`: it ran on another computer or in another container, so nobody here can tell. */
export type ProcessState = "running" | "ended" | "elsewhere";

let own: ProcessIdentity | undefined;

/** The identity of this process. */
export function ownProcess(): ProcessIdentity {
  own ??= {
    pid: process.pid,
    host: hostname(),
    namespace: attempt(() => readlinkSync("/proc/self/ns/pid")),
    boot: bootOf(),
    started: startOf(process.pid),
  };
  return own;
}

/**
 * Whether a process still runs. Where the time of its start is unknown (on Windows), a new process with its number is taken
 * for it.
 */
export function stateOfProcess(other: ProcessIdentity): ProcessState {
  const here = ownProcess();
  if (other.host !== here.host) return "elsewhere";
  if (other.boot !== here.boot) return "ended";
  if (other.namespace !== here.namespace) return "elsewhere";
  if (!answersSignals(other.pid)) return "ended";
  const started = startOf(other.pid);
  return started === undefined || other.started === undefined || started === other.started ? "running" : "ended";
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const bootOf = (): string | undefined =>
  attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) || undefined;

/** When a process began; undefined where that cannot be read. */
function startOf(pid: number): string | undefined {
  if (process.platform === "win32") return undefined;
  if (process.platform !== "linux") return startByPs(pid);
  return attempt(() => {
    // "pid (name) state ppid ...": a name may hold anything, so the fields are counted from its last bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Killed, and only not yet collected by its parent: it writes no more.
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
  });
}

/** macOS and the BSDs. */
function startByPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  });
  return (status === 0 && stdout.trim()) || undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
