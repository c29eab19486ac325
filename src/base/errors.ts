/** Errors limbeck raises on purpose. Everything else that escapes is a bug in limbeck. */
import type { ErrorCode } from "./error-codes.js";
import { escapeControls } from "./quote.js";
import { maskText } from "./secrets.js";

export type { ErrorCode } from "./error-codes.js";

/** What is wrong, in parts: what a message is made of, and what `--json` prints. */
export interface Fault {
  readonly code: ErrorCode;
  /** The file or recipe field that is wrong, e.g. `teacher.file` or `data/x.csv`; "" when there is none. */
  readonly where: string;
  /** What was found: a clause that can follow a colon, "row 3 has 4 values". */
  readonly found: string;
  /** What was expected instead: a noun phrase, "3 values". */
  readonly expected?: string;
  /** What to do: an imperative sentence without its full stop, "Remove the row, or quote the value". */
  readonly cure?: string;
  /** The single problems where there are several, as in a recipe. */
  readonly details?: readonly Fault[];
}

/** Problems that a message lists at most. */
const TOLD = 5;

/** "where: found; expected this. Do that." Of several problems, each has a line. */
export function sentenceOf({ where, found, expected, cure, details }: Fault): string {
  const place = where ? `${where}: ` : "";
  if (details?.length === 1) return `${place}${sentenceOf(details[0] as Fault)}`;
  if (details && details.length > 0) {
    const more = details.length > TOLD ? [`and ${details.length - TOLD} more`] : [];
    return printable([`${place}${found}`, ...details.slice(0, TOLD).map(sentenceOf), ...more].join("\n  "));
  }
  const wanted = expected ? `; expected ${expected}` : "";
  return printable(`${place}${found}${wanted}${cure ? `. ${cure}` : ""}`);
}

/** Names come from files: what a terminal would obey is escaped, line by line. */
const printable = (text: string): string => text.split("\n").map(escapeControls).join("\n");

class FaultError extends Error implements Fault {
  readonly code: ErrorCode;
  readonly where: string;
  readonly found: string;
  readonly expected?: string;
  readonly cure?: string;
  readonly details?: readonly Fault[];

  constructor(given: Fault, options?: ErrorOptions) {
    const fault = masked(given);
    super(sentenceOf(fault), options);
    this.code = fault.code;
    this.where = fault.where;
    this.found = fault.found;
    if (fault.expected !== undefined) this.expected = fault.expected;
    if (fault.cure !== undefined) this.cure = fault.cure;
    if (fault.details !== undefined) this.details = fault.details;
  }
}

/** Without secrets, whatever part of a recipe or an answer was put into it. */
function masked({ code, details, ...words }: Fault): Fault {
  const { where, found, expected, cure } = words;
  return {
    code,
    where: maskText(where),
    found: maskText(found),
    ...(expected !== undefined && { expected: maskText(expected) }),
    ...(cure !== undefined && { cure: maskText(cure) }),
    ...(details !== undefined && { details: details.map(masked) }),
  };
}

/** The parts of an error, for JSON; null for errors that are none of limbeck's. */
export function faultOf(error: unknown): Fault | null {
  if (!(error instanceof FaultError)) return null;
  const { code, where, found, expected, cure, details } = error;
  return { code, where, found, ...(expected && { expected }), ...(cure && { cure }), ...(details && { details }) };
}

/** The same error told of the file or field around it: "node x: ..." becomes "model.onnx: node x: ...". */
export function relocated(error: InputError, where: string): InputError {
  const found = error.where ? `${error.where}: ${error.found}` : error.found;
  return new InputError({ ...(faultOf(error) as Fault), where, found }, { cause: error });
}

/** The same error told of one of several runs: "objective.alpha" becomes `hop "student", objective.alpha`. */
export function within(error: InputError, run: string): InputError {
  const where = error.where ? `${run}, ${error.where}` : run;
  return new InputError({ ...(faultOf(error) as Fault), where }, { cause: error });
}

/** The user's input is wrong: a file, a recipe field, a flag, a model. The command line exits with 2. */
export class InputError extends FaultError {
  override readonly name: string = "InputError";
}

/** The input was fine but the run failed: divergence, a full disk, a dead worker. The command line exits with 1. */
export class RunError extends FaultError {
  override readonly name: string = "RunError";
}

/** The caller's `AbortSignal` (or Ctrl-C) stopped the work; what was finished is on disk. The command line exits with 130. */
export class InterruptedError extends Error {
  override readonly name: string = "InterruptedError";
  readonly code = "interrupted";
}
