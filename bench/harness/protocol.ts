/**
 * How the driver and a runner talk: one JSON object a line. The runner is a process of one system with one workload.
 *
 * It says `Ready` first; then each line on its standard input is a `Request` and gets one line back:
 * losses -> `Losses`, run -> `Timing`, quit -> `Farewell`, and the process ends. Lines that are no JSON object are ignored,
 * so that a library may print what it likes. `{"error": "..."}` instead of an answer ends the runner.
 */

export type Request =
  /** Losses of the first steps, from the initial weights; asked before anything else. */
  | { readonly kind: "losses" }
  /** Train on for about so many seconds. */
  | { readonly kind: "run"; readonly seconds: number }
  | { readonly kind: "quit" };

export interface Ready {
  readonly ready: true;
  /** "PyTorch 2.15.0". */
  readonly version: string;
  /** What the runner chose: "channels_last, fused optimiser". */
  readonly detail: string;
  /** Trainable numbers of its model: must be those of limbeck's. */
  readonly parameters: number;
  /** Seconds from the start of the work to a model that can train. */
  readonly openSeconds: number;
}

export interface Losses {
  readonly losses: readonly number[];
}

export interface Timing {
  readonly steps: number;
  readonly seconds: number;
  /** Loss of the last step. */
  readonly loss: number;
}

export interface Farewell {
  /** High-water mark of the resident set; null where the system cannot tell. */
  readonly peakBytes: number | null;
}
