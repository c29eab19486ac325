/** The command line: picks a command, runs it, turns what went wrong into an exit code. */
import { Command, CommanderError } from "commander";
import { type Fault, faultOf, InputError, InterruptedError } from "../base/errors.js";
import { packageVersion } from "../node/package-root.js";
import { maskText } from "../base/secrets.js";
import { checkDevice } from "../run/folder/device.js";
import { addData } from "./data.js";
import { addDistill } from "./distill.js";
import { addDoctor } from "./doctor.js";
import { addEvaluate } from "./evaluate.js";
import { addExport } from "./export.js";
import { addInit } from "./init.js";
import { addInspect } from "./inspect.js";
import { catchSignals } from "./interrupt.js";
import { addLabel } from "./label.js";
import { addPredict } from "./predict.js";
import { printable } from "./printable.js";
import { addRuns } from "./runs.js";
import { addSweep } from "./sweep.js";
import { asRunError } from "./system-error.js";
import "../run/entries.js";
import { Terminal } from "./terminal.js";
import { addTrain } from "./train.js";

/** Exit codes: 0 done, 1 the run failed, 2 the user's input is wrong, 130 interrupted, 141 nobody reads the output. */
export async function main(args: readonly string[]): Promise<void> {
  catchSignals();
  endWithoutReaders();
  const program = createProgram();
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    process.exitCode = report(asRunError(error), args.includes("--json"));
    // What was stopped may still hold a socket or a timer: it is not waited for.
    if (error instanceof InterruptedError) setTimeout(() => process.exit(), GRACE).unref();
  }
}

/** Milliseconds that interrupted work has to end by itself. */
const GRACE = 300;

/** Nobody reads on (`limbeck runs | head`): ends as the signal would, without a stack trace. A run has its checkpoint. */
function endWithoutReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    // One listener, however often commands run in this process.
    if (watched.has(stream)) continue;
    watched.add(stream);
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(128 + 13);
      if (stream === process.stdout) process.stderr.write(`error: the output cannot be written (${error.code})\n`);
      process.exit(1);
    });
  }
}

const watched = new WeakSet<object>();

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
  limbeck distill                         distil the embedded digits: teacher, student, baseline, report
  limbeck init my-recipe.yaml             write a recipe to start from
  limbeck distill my-recipe.yaml          run it
  limbeck predict student.onnx image.png  classify an image
  limbeck <command> --help                examples for every command

LIMBECK_DEBUG=train, or other scopes, prints to stderr what happens inside (docs/debugging.md).
Exit codes: 0 done, 1 the run failed, 2 the input is wrong, 130 interrupted (continue with --resume).`,
    );
  for (const add of [
    addDistill,
    addTrain,
    addData,
    addDoctor,
    addSweep,
    addLabel,
    addEvaluate,
    addExport,
    addInit,
    addInspect,
    addPredict,
    addRuns,
  ])
    add(program);
  program.hook("preAction", (_, command) => checkDevice(command.opts().device ?? "cpu"));
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(printable(text)) });
    command.commands.forEach(quiet);
  };
  quiet(program);
  return program;
}

function report(error: unknown, json: boolean): number {
  const code = exitCodeOf(error);
  const message = maskText(error instanceof Error ? error.message : String(error));
  if (!(error instanceof CommanderError)) {
    const terminal = new Terminal({ json: false, quiet: false });
    if (code === 130) terminal.note(message);
    else terminal.error(message);
    if (code !== 130 && process.env.LIMBECK_DEBUG && error instanceof Error) terminal.note(error.stack ?? "");
  }
  // Whoever parses stdout finds a document there whatever happened.
  if (json && code !== 0) {
    const text = message.replace(/^error: /, "");
    const document = { error: { exitCode: code, ...partsOf(error, text), message: text } };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  return code;
}

/** What is wrong, in parts; errors that are none of limbeck's have a code all the same. */
function partsOf(error: unknown, found: string): Fault {
  const fault = faultOf(error);
  if (fault) return fault;
  if (error instanceof CommanderError) return { code: "flag-invalid", where: "", found };
  return { code: error instanceof InterruptedError ? "interrupted" : "internal", where: "", found };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof InterruptedError) return 130;
  return error instanceof InputError ? 2 : 1;
}
