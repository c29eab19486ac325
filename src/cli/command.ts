/** What commands do alike: seeds as overrides, a terminal that is closed, Ctrl-C that stops the work. */

import { maxOf } from "../base/extremes.js";
import { maskCommand } from "../run/recipe/masked-command.js";
import type { CommonFlags } from "./flags.js";
import { interruptible, Terminal, type TerminalOptions } from "./terminal.js";

/** --set and --seed as recipe overrides. */
export function overridesOf(flags: Pick<CommonFlags, "set" | "seed">): string[] {
  return [...flags.set, ...(flags.seed === undefined ? [] : [`seed=${flags.seed}`])];
}

/**
 * Runs a command's work with a terminal and a signal that Ctrl-C aborts.
 * @param stopping what to say then; default: that the run can be resumed
 */
export async function atTerminal(
  options: TerminalOptions,
  work: (terminal: Terminal, signal: AbortSignal) => Promise<void>,
  stopping?: string,
): Promise<void> {
  const terminal = await new Terminal(options).ready();
  const { signal, release } = interruptible(terminal, stopping);
  try {
    await work(terminal, signal);
  } finally {
    release();
    terminal.close();
  }
}

/** The command as it was typed, for summaries, without secrets. */
export function typedCommand(): string {
  return maskCommand(process.argv.slice(2));
}

/** The command that prints the whole data audit of a recipe. */
export function dataCommand(file: string | undefined): string {
  return file === undefined ? "limbeck data" : `limbeck data ${file}`;
}

/** Lines of a two-column table, "name   value", aligned. */
export function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = maxOf(rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

/** A table: the first column to the left, cells that begin with a digit to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, c) => maxOf(rows.map((r) => (r[c] ?? "").length)));
  const right = head.map((_, c) => c > 0 && body.some((r) => /^-?\d[\d.,]*( %)?$/.test(r[c] ?? "")));
  const cell = (text: string, c: number): string =>
    right[c] ? text.padStart(widths[c] as number) : text.padEnd(widths[c] as number);
  return rows.map((r) => r.map(cell).join("  ").trimEnd()).join("\n");
}
