/** Errors limbeck raises on purpose. Everything else that escapes is a bug in limbeck. */

/** The user's input is wrong: a file, a recipe field, a flag, a model. The command line exits with 2. */
export class InputError extends Error {
  override readonly name: string = "InputError";
  /** The file or the recipe field that is wrong, if one is to blame. */
  readonly where: string | undefined;

  /**
   * @param where the file or field, e.g. `teacher.file` or `data/x.csv`; "" when there is none
   * @param problem what was found, what was expected and what to do, in one or two sentences
   */
  constructor(where: string, problem: string, options?: ErrorOptions) {
    super(where ? `${where}: ${problem}` : problem, options);
    this.where = where || undefined;
  }
}

/** The input was fine but the run failed: divergence, a full disk, a dead worker. The command line exits with 1. */
export class RunError extends Error {
  override readonly name: string = "RunError";
}

/** The caller's `AbortSignal` (or Ctrl-C) stopped the work; what was finished is on disk. The command line exits with 130. */
export class InterruptedError extends Error {
  override readonly name: string = "InterruptedError";
}
