/** Asking again: after failures with growing waits, as long as whoever is asked wishes, and until somebody stops it. */
import { debug } from "../../../base/debug.js";
import { InputError, InterruptedError, RunError } from "../../../base/errors.js";

export interface RetryOptions {
  readonly name: string;
  /** Further tries after a failure, each after twice the wait of the one before; default 4. */
  readonly retries?: number;
  /** Wait before the first of them; default 500. */
  readonly retryMs?: number;
  /** After which a call counts as failed; default 60. */
  readonly timeoutSeconds?: number;
  /** Longest wait that a failure may ask for (`AskError`, Retry-After); a longer one ends the work. Default 300. */
  readonly maxWaitSeconds?: number;
  /** Told of waits that are longer than a few seconds. */
  readonly onWait?: (seconds: number, reason: string) => void;
}

/** A failure that says itself how long to wait before another try, or that none will help. */
export class AskError extends Error {
  /** @param final what is thrown instead once no try is left */
  constructor(
    message: string,
    readonly retry: { readonly afterMs?: number } | null,
    readonly final?: Error,
  ) {
    super(message);
  }
}

/** Longest wait between two tries that nobody asked for. */
const LONGEST_BACKOFF = 60_000;
/** Waits that are told of, in ms. */
const TOLD = 5_000;

/**
 * @param ask gets a signal that aborts when the call has taken too long, or when `signal` does
 * @throws RunError when it goes on failing, or asks for too long a wait; InterruptedError as soon as `signal` aborts;
 *   whatever InputError `ask` throws
 */
export async function persistently<T>(
  options: RetryOptions,
  ask: (signal: AbortSignal) => Promise<T> | T,
  signal?: AbortSignal,
): Promise<T> {
  const { name, retries = 4, retryMs = 500 } = options;
  for (let tried = 0; ; tried++) {
    stopIfAborted(name, signal);
    try {
      return await once(options, ask, signal);
    } catch (cause) {
      stopIfAborted(name, signal);
      if (cause instanceof InputError || cause instanceof InterruptedError) throw cause;
      const retry = cause instanceof AskError ? cause.retry : {};
      const { message } = cause as Error;
      if (retry) checkWish(options, retry.afterMs, message);
      if (!retry || tried >= retries)
        throw (cause instanceof AskError && cause.final) || failed(name, tried + 1, message, cause);
      const backoff = Math.min(retryMs * 2 ** tried, Math.max(retryMs, LONGEST_BACKOFF));
      const wait = Math.max(backoff, wishOf(retry.afterMs));
      debug("teacher")?.(`${name}: try ${tried + 1} failed, the next in ${wait} ms: ${message}`);
      if (wait >= TOLD) options.onWait?.(wait / 1000, message);
      await sleep(wait, signal);
    }
  }
}

/** One call, until it answers, is late or is stopped. */
async function once<T>(
  { timeoutSeconds = 60 }: RetryOptions,
  ask: (signal: AbortSignal) => Promise<T> | T,
  signal: AbortSignal | undefined,
): Promise<T> {
  const controller = new AbortController();
  let end: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = (error) => {
      controller.abort(error);
      reject(error);
    };
  });
  const stop = (): void => end(new InterruptedError("stopped"));
  const late = (): void => end(new AskError(`no answer within ${timeoutSeconds} s`, {}));
  const timer = setTimeout(late, Math.min(timeoutSeconds * 1000, LONGEST_TIMER));
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([ask(controller.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function failed(name: string, tries: number, message: string, cause: unknown): RunError {
  const times = tries > 1 ? ` after ${tries} tries` : "";
  return new RunError(
    {
      code: "endpoint-failed",
      where: name,
      found: `the teacher failed${times}: ${message}`,
      cure: "Continue with --resume once it answers",
    },
    { cause },
  );
}

/** Wishes that are in the past, or no numbers, are none. */
const wishOf = (afterMs: number | undefined): number => (afterMs !== undefined && afterMs > 0 ? afterMs : 0);

function checkWish({ name, maxWaitSeconds = 300 }: RetryOptions, afterMs: number | undefined, message: string): void {
  const wish = wishOf(afterMs);
  if (wish <= maxWaitSeconds * 1000) return;
  const seconds = Math.ceil(wish / 1000);
  const until = timeIn(wish);
  throw new RunError({
    code: "endpoint-wait",
    where: name,
    found: `${message}; it asks for a wait of ${seconds} s${until ? `, until ${until}` : ""}`,
    expected: `a wait of at most ${maxWaitSeconds} s (teacher.max_wait_seconds)`,
    cure: `Continue with --resume ${until ? `after ${until}` : "later"}, or raise teacher.max_wait_seconds`,
  });
}

/** "2026-03-01 12:00:05 UTC"; undefined for times beyond the calendar. */
function timeIn(ms: number): string | undefined {
  const time = new Date(Date.now() + ms);
  if (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999) return undefined;
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function stopIfAborted(name: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError(`asking ${name}: stopped`);
}

/** Timers cannot be longer: beyond this they fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Waits, however long, and ends at once when the signal aborts; whoever gave that looks at it. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + ms;
  for (let left = ms; left > 0 && !signal?.aborted; left = end - performance.now()) {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(left, LONGEST_TIMER));
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
