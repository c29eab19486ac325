/**
 * Ctrl-C and SIGTERM: the first stops the work that is done, the second ends the process at once; where no work is done, the
 * first does. Nothing is imported here, so that it can be there before anything else is.
 */

/** Exit code of what was interrupted. */
const INTERRUPTED = 130;

/** Stops the work that is done. */
let stop: (() => void) | undefined;
let caught = false;

/** Catches signals from now on. */
export function catchSignals(): void {
  if (caught) return;
  caught = true;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      const first = stop;
      stop = undefined;
      if (first) first();
      else process.exit(INTERRUPTED);
    });
}

/** Says what the next signal stops. @returns what ends that: the work is over */
export function onInterrupt(work: () => void): () => void {
  catchSignals();
  stop = work;
  return () => {
    if (stop === work) stop = undefined;
  };
}
