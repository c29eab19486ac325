/** Trainings that do not depend on each other, several at a time: one small step cannot fill the cores, two can. */
import { availableParallelism } from "node:os";
import type { TrainingProgress } from "../../learn/train/types.js";
import type { RunContext } from "../folder/context.js";
import { fit } from "./fit.js";
import type { FitRequest, Fitted } from "./fitted.js";
import { prepareModel } from "./prepare.js";

/** Multiply-accumulates of one forward step from which a single training fills the cores by itself. */
const LARGE_STEP = 1e9;

/**
 * Trains (or finds) every request, `context.jobs` at a time; 0 or none chooses: as many as there are cores for small steps,
 * one for large ones. The cores are shared out evenly among them unless the threads are given.
 *
 * A failure or an interruption stops the others after their next step; all have written their checkpoints when this throws.
 * The models do not depend on how many ran at a time.
 * @returns in the order of the requests
 * @throws the error of the first that failed
 */
export function fitAll(context: RunContext, requests: readonly FitRequest[]): Promise<Fitted[]> {
  return fitAllWith(context, requests, fit);
}

/**
 * As `fitAll`, for callers that keep something else of a training than all of it, or go on where one fails.
 * @param work trains one request, by `fit`
 */
export async function fitAllWith<T>(
  context: RunContext,
  requests: readonly FitRequest[],
  work: (context: RunContext, request: FitRequest) => Promise<T>,
): Promise<T[]> {
  const jobs = Math.min(jobsFor(context, requests), requests.length);
  if (jobs <= 1) return inTurn(requests, (request) => work(context, request));
  const threads = context.execution.threads || Math.max(1, Math.floor(availableParallelism() / jobs));
  const { emit, signal, stop } = together(context, requests, jobs);
  const shared: RunContext = { ...context, execution: { ...context.execution, threads }, emit, signal };
  const results: T[] = [];
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < requests.length && failures.length === 0) {
      const i = next++;
      try {
        results[i] = await work(shared, requests[i] as FitRequest);
      } catch (error) {
        failures.push(error);
        stop();
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  // Those behind the first were only interrupted by it.
  if (failures.length > 0) throw failures[0];
  return results;
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

/** How many trainings at a time. */
function jobsFor(context: RunContext, requests: readonly FitRequest[]): number {
  const { jobs = 0, execution, loaded, folder } = context;
  if (jobs > 0) return jobs;
  if (requests.length < 2 || execution.device !== "cpu") return 1;
  // Seeds and sweeps ask for the same architecture again and again.
  const distinct = new Map(requests.map((r) => [JSON.stringify([r.model, r.training.batch]), r]));
  const largest = [...distinct.values()].reduce((most, { model, training, seed, teacher }) => {
    const classes = loaded.data.classes.length || (teacher?.header.classes.length ?? 0);
    const { macs } = prepareModel(model, { folder, data: loaded.data, classes, seed });
    return Math.max(most, (macs ?? Number.POSITIVE_INFINITY) * training.batch);
  }, 0);
  return largest >= LARGE_STEP ? 1 : Math.max(1, Math.floor(availableParallelism() / (execution.threads || 1)));
}

/** One progress over all: names of single trainings would take turns too fast to read. */
function together(context: RunContext, requests: readonly FitRequest[], jobs: number) {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const signal = context.signal ? AbortSignal.any([context.signal, controller.signal]) : controller.signal;
  const latest = new Map<string, TrainingProgress>();
  const emit: RunContext["emit"] = (event) => {
    if (event.kind !== "training") return context.emit(event);
    latest.set(event.progress.name, event.progress);
    const known = [...latest.values()];
    const running = known.filter((p) => p.step < p.steps);
    const sum = (of: (p: TrainingProgress) => number, over = known): number => over.reduce((s, p) => s + of(p), 0);
    // Those that have not begun count as those that have.
    const step = sum((p) => p.step);
    const steps = Math.max(step, Math.round((sum((p) => p.steps) * requests.length) / known.length));
    const rate = sum((p) => p.rate, running.length > 0 ? running : [event.progress]);
    const all = { trainings: requests.length, atATime: jobs, done: known.length - running.length, step, steps, rate };
    context.emit({ ...event, together: { ...all, secondsLeft: rate > 0 ? (steps - step) / rate : Number.NaN } });
  };
  return { emit, signal, stop };
}
