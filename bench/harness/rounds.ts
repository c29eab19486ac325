/** Interleaved rounds: A B C A B C ..., so that drift of the machine meets everybody alike. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Ready, Timing } from "./protocol.js";
import { type RunnerCommand, RunnerProcess } from "./runner.js";

export interface RoundsOptions {
  readonly rounds: number;
  /** Length of one turn. */
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export interface Contestant {
  readonly name: string;
  readonly command: RunnerCommand;
}

/** What one system did on one workload. */
export interface Outcome {
  readonly system: string;
  readonly ready: Ready;
  /** Losses of the compared steps. */
  readonly losses: readonly number[];
  /** Milliseconds a step, one value a round. */
  readonly milliseconds: readonly number[];
  readonly steps: number;
  readonly lastLoss: number;
  readonly peakBytes: number | null;
}

export interface Failure {
  readonly system: string;
  readonly error: string;
}

interface Running extends Contestant {
  readonly runner: RunnerProcess;
  readonly ready: Ready;
  readonly losses: readonly number[];
  readonly timings: Timing[];
}

/** Threads of the system before may still spin for a moment; nobody shall pay for another's. */
const PAUSE = 250;
/** The first turn fills caches and compiles; it is not counted. */
const WARM_UP_SHARE = 0.5;

/** Starts every contestant, lets them take turns, and collects what they say. A system that fails is dropped, not the rest. */
export async function playRounds(
  contestants: readonly Contestant[],
  options: RoundsOptions,
): Promise<{ outcomes: Outcome[]; failures: Failure[] }> {
  const failures: Failure[] = [];
  let running: Running[] = [];
  const attempt = async <T>(
    system: string,
    runner: RunnerProcess | null,
    work: () => Promise<T>,
  ): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      runner?.kill();
      failures.push({ system, error: (error as Error).message });
      options.log(`  ${system} failed: ${(error as Error).message}`);
      return null;
    }
  };
  for (const contestant of contestants) {
    const started = await attempt(contestant.name, null, () => open(contestant, options));
    if (started) running.push(started);
  }
  for (let round = 0; round < options.rounds; round++) {
    const kept: Running[] = [];
    for (const one of running) {
      await sleep(PAUSE);
      const timing = await attempt(one.name, one.runner, () => one.runner.run(options.seconds));
      if (!timing) continue;
      one.timings.push(timing);
      kept.push(one);
    }
    running = kept;
    const row = running.map((r) => `${r.name} ${perStep(r.timings[r.timings.length - 1] as Timing).toFixed(3)}`);
    options.log(`  round ${round + 1} of ${options.rounds}, ms per step: ${row.join(", ")}`);
  }
  const outcomes: Outcome[] = [];
  for (const one of running) {
    const farewell = await attempt(one.name, one.runner, () => one.runner.quit());
    if (farewell) outcomes.push({ ...outcomeOf(one), peakBytes: farewell.peakBytes });
  }
  return { outcomes, failures };
}

async function open(contestant: Contestant, options: RoundsOptions): Promise<Running> {
  const { runner, ready } = await RunnerProcess.start(contestant.command);
  try {
    const { losses } = await runner.losses();
    await runner.run(options.seconds * WARM_UP_SHARE);
    options.log(
      `  ${contestant.name}: ${ready.version}, ${ready.detail}, open after ${ready.openSeconds.toFixed(2)} s`,
    );
    return { ...contestant, runner, ready, losses, timings: [] };
  } catch (error) {
    runner.kill();
    throw error;
  }
}

const perStep = ({ steps, seconds }: Timing): number => (1000 * seconds) / steps;

function outcomeOf({ name, ready, losses, timings }: Running): Omit<Outcome, "peakBytes"> {
  return {
    system: name,
    ready,
    losses,
    milliseconds: timings.map(perStep),
    steps: timings.reduce((sum, t) => sum + t.steps, 0),
    lastLoss: timings[timings.length - 1]?.loss ?? Number.NaN,
  };
}
