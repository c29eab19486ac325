/** The command line: picks a command, runs it, turns what went wrong into an exit code. */
import { Command, CommanderError, Option } from "commander";
import { InputError, InterruptedError } from "../errors.js";
import { packageVersion } from "../package-root.js";
import { addDistill } from "./distill.js";
import { addEvaluate } from "./evaluate.js";
import { addExport } from "./export.js";
import { addInit } from "./init.js";
import { addInspect } from "./inspect.js";
import { addLabel } from "./label.js";
import { addPredict } from "./predict.js";
import { addRuns } from "./runs.js";
import { addTrain } from "./train.js";
import { Terminal } from "./terminal.js";

/** Exit codes: 0 done, 1 the run failed, 2 the user's input is wrong, 130 interrupted. */
export async function main(args: readonly string[]): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** The whole command tree: also what the docs' command reference is generated from. */
export function createProgram(): Command {
  const program = new Command("limbeck")
    .description(
      "Distils a big model into a small one: any ONNX teacher in, a trained, measured, deployable ONNX student out.",
    )
    .version(packageVersion(), "-v, --version")
    .showHelpAfterError("(limbeck --help lists the commands)")
    .addHelpText(
      "after",
      `
First steps:
  limbeck distill                     distil the embedded digits: teacher, student, baseline, report
  limbeck init my-recipe.yaml         write a commented recipe to start from
  limbeck distill my-recipe.yaml      run it
  limbeck inspect model.onnx          what is in a model, and what of it can be trained

Exit codes: 0 done, 1 the run failed, 2 the input is wrong, 130 interrupted (continue with --resume).`,
    );
  for (const add of [addDistill, addTrain, addLabel, addEvaluate, addInspect, addExport, addPredict, addInit, addRuns])
    add(program);
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(text) });
    command.commands.forEach(quiet);
  };
  quiet(program);
  return program;
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const terminal = new Terminal({ json: false, quiet: false });
  if (error instanceof InterruptedError) {
    terminal.note(error.message);
    return 130;
  }
  const message = error instanceof Error ? error.message : String(error);
  terminal.error(message);
  if (process.env.LIMBECK_DEBUG && error instanceof Error) terminal.note(error.stack ?? "");
  return error instanceof InputError ? 2 : 1;
}

export interface CommonFlags {
  readonly set: readonly string[];
  readonly out?: string;
  readonly seed?: number;
  readonly resume?: boolean | string;
  readonly device: "cpu" | "webgpu";
  readonly threads: number;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Whole number flag. */
export function wholeNumber(name: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InputError(name, `expected a whole number of at least ${least}, found "${text}"`);
    return value;
  };
}

export const outFlag = (): Option =>
  new Option("-o, --out <dir>", "folder for the run (default: runs/<name>, or runs/<name>-2 ... when taken)");
export const jsonFlag = (): Option =>
  new Option("--json", "print one JSON document on stdout and nothing else").default(false);
export const quietFlag = (): Option =>
  new Option("-q, --quiet", "no progress, only the result and errors").default(false);
export const threadsFlag = (): Option =>
  new Option("--threads <n>", "threads of ONNX Runtime; 0 lets it choose")
    .argParser(wholeNumber("--threads", 0))
    .default(0);
export const deviceFlag = (): Option =>
  new Option("--device <device>", "where training steps run").choices(["cpu", "webgpu"]).default("cpu");
export const setFlag = (): Option =>
  new Option("--set <path=value>", "change a recipe field, e.g. --set objective.alpha=0.5; repeatable")
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
    .option("-r, --resume [dir]", "continue a run that was interrupted: the given one, or the newest of this recipe")
    .addOption(deviceFlag())
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag());
}
