/** A program that runs from start to end and says on its last line what it did. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { RunnerCommand } from "./runner.js";

/** The last line of a program's standard output that is a JSON object. */
export interface ProgramReport {
  readonly version: string;
  readonly detail: string;
  /** Values of this run by name, units in the names. */
  readonly parts: Readonly<Record<string, number>>;
  /** What is measured, in seconds; absent: the wall time from the start of the process to its end. */
  readonly value?: number;
  /** Numbers to compare with other systems'. */
  readonly compared?: readonly number[];
  readonly peakBytes: number | null;
}

export interface ProgramRun {
  /** Wall time from the start of the process to its end. */
  readonly seconds: number;
  readonly report: ProgramReport;
}

const KEPT_LINES = 12;

/** @throws Error with the end of its standard error when it fails */
export function runProgram({ command, args, env }: RunnerCommand): Promise<ProgramRun> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    let last: string | undefined;
    const errors: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) last = line;
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      errors.push(line);
      if (errors.length > KEPT_LINES) errors.shift();
    });
    let seconds = 0;
    child.on("exit", () => {
      seconds = (performance.now() - start) / 1000;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0 && last !== undefined) resolve({ seconds, report: JSON.parse(last) as ProgramReport });
      else reject(new Error(`it ended with ${code}. The end of its messages:\n${errors.join("\n")}`));
    });
  });
}
