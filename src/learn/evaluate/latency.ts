/** How long one call takes, for several models measured in turn so that a busy moment hits all of them alike. */
import { InterruptedError } from "../../base/errors.js";

export interface Latency {
  /** Median wall time of a call, in milliseconds. */
  readonly medianMs: number;
  /** 95th percentile, in milliseconds. */
  readonly p95Ms: number;
  /** Samples a call. */
  readonly batch: number;
  /** Calls measured. */
  readonly runs: number;
}

export interface LatencyCandidate {
  readonly name: string;
  /** One call at batch 1. */
  readonly run: () => Promise<unknown>;
}

export interface LatencyOptions {
  /** Measured calls of each model; default 200. */
  readonly runs?: number;
  /** Calls before measuring; default a tenth of the runs, at least 5. */
  readonly warmup?: number;
  /** Time in milliseconds; default `performance.now`. */
  readonly clock?: () => number;
  readonly signal?: AbortSignal;
}

/**
 * Latency of each model, in the order given. Round by round each model is called once, the first one changing from round
 * to round, so that none is always measured with the caches of the same neighbour.
 */
export async function measureLatencies(
  candidates: readonly LatencyCandidate[],
  options: LatencyOptions = {},
): Promise<Latency[]> {
  const { runs = 200, clock = () => performance.now(), signal } = options;
  const { warmup = Math.max(5, Math.ceil(runs / 10)) } = options;
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`latency of ${runs} runs; expected 1 or more`);
  const n = candidates.length;
  const times = candidates.map(() => new Float64Array(runs));
  for (let round = -warmup; round < runs; round++) {
    for (let k = 0; k < n; k++) {
      if (signal?.aborted) throw new InterruptedError("interrupted while measuring latency");
      const at = (k + round + warmup) % n;
      const { run } = candidates[at] as LatencyCandidate;
      const start = clock();
      await run();
      const taken = clock() - start;
      if (round >= 0) (times[at] as Float64Array)[round] = taken;
    }
  }
  return times.map((t) => {
    const sorted = t.sort();
    return { medianMs: median(sorted), p95Ms: sorted[Math.ceil(0.95 * runs) - 1] as number, batch: 1, runs };
  });
}

/** Latency of one model. */
export async function measureLatency(run: () => Promise<unknown>, options: LatencyOptions = {}): Promise<Latency> {
  return (await measureLatencies([{ name: "model", run }], options))[0] as Latency;
}

function median(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}
