/** Flags that commands share. */
import { type Command, Option } from "commander";
import { InputError } from "../base/errors.js";
import { quote } from "../base/quote.js";

export interface CommonFlags {
  readonly set: readonly string[];
  readonly out?: string;
  readonly seed?: number;
  readonly resume?: boolean | string;
  readonly device: "cpu" | "webgpu";
  readonly threads: number;
  readonly jobs: number;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Whole number flag. */
export function wholeNumber(name: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InputError({
        code: "flag-invalid",
        where: name,
        found: `found ${quote(text)}`,
        expected: `a whole number of at least ${least}`,
      });
    return value;
  };
}

export const outFlag = (): Option =>
  new Option("-o, --out <dir>", "folder for the run (default: runs/<name>, or runs/<name>-2 ... if it exists)");
export const jsonFlag = (): Option =>
  new Option("--json", 'print a single JSON document to stdout; on failure, { "error": ... }').default(false);
export const quietFlag = (): Option =>
  new Option("-q, --quiet", "print only the result, warnings and errors").default(false);
export const threadsFlag = (): Option =>
  new Option("--threads <n>", "number of ONNX Runtime threads; 0 chooses automatically")
    .argParser(wholeNumber("--threads", 0))
    .default(0);
export const jobsFlag = (): Option =>
  new Option("--jobs <n>", "number of parallel training runs; 0 chooses automatically (small ones share the cores)")
    .argParser(wholeNumber("--jobs", 0))
    .default(0);
export const deviceFlag = (): Option =>
  new Option("--device <device>", "device for training steps").choices(["cpu", "webgpu"]).default("cpu");
export const setFlag = (): Option =>
  new Option(
    "--set <path=value>",
    "change a recipe field, e.g. --set objective.alpha=0.5; can be repeated; file paths are relative to the current directory",
  )
    .argParser((v: string, all: string[] = []) => [...all, v])
    .default([], "none");
export const seedFlag = (): Option =>
  new Option("--seed <n>", "seed of the run (same as --set seed=n)").argParser(wholeNumber("--seed", 0));

/** Flags of every command that trains. */
export function addRunFlags(command: Command): Command {
  return command
    .addOption(setFlag())
    .addOption(outFlag())
    .addOption(seedFlag())
    .option("-r, --resume [dir]", "continue an interrupted run: the given one, or the newest of this recipe")
    .addOption(deviceFlag())
    .addOption(threadsFlag())
    .addOption(jobsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag());
}
