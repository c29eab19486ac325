/** The executor in the caller's own thread: for browsers, where the whole training may live in a web worker. */
import { type Core, createCore } from "./core.js";
import type { OnnxRuntime } from "./ort.js";
import type { BatchArray, Executor, ExecutorConfig, ExecutorState, StepRequest, StepsResult } from "./types.js";

/** Longest time without a look at the thread's other work (messages, painting), in ms. */
const SLICE = 16;

/** What browsers and Node share of a MessageChannel. */
interface Channel {
  readonly port1: { onmessage: (() => void) | null; close(): void };
  readonly port2: { postMessage(message: unknown): void };
}

/**
 * Opens the programs in this thread.
 * @throws RunError when the graphs do not load, or programs and state do not fit each other
 */
export async function createInlineExecutor(
  runtime: OnnxRuntime,
  config: ExecutorConfig,
  initial: ExecutorState,
): Promise<Executor> {
  return new InlineExecutor(await createCore(runtime, config, initial));
}

class InlineExecutor implements Executor {
  readonly #core: Core;
  #queue: Promise<unknown> = Promise.resolve();
  #asked = 0;
  /** Runs up to this one shall stop. */
  #stopped = 0;
  #lastPause = performance.now();

  constructor(core: Core) {
    this.#core = core;
  }

  run(requests: readonly StepRequest[]): Promise<StepsResult> {
    const id = ++this.#asked;
    const stopped = async (): Promise<boolean> => {
      await this.#pause();
      return this.#stopped >= id;
    };
    return this.#next(() => this.#core.run(requests, stopped));
  }

  evaluate(samples: readonly BatchArray[], count: number): Promise<Float32Array> {
    return this.#next(() => this.#core.evaluate(samples, count));
  }

  snapshot(): Promise<ExecutorState> {
    return this.#next(() => this.#core.snapshot());
  }

  restore(state: ExecutorState): Promise<void> {
    return this.#next(() => this.#core.restore(state));
  }

  stop(): void {
    this.#stopped = this.#asked;
  }

  dispose(): Promise<void> {
    this.stop();
    return this.#next(() => this.#core.dispose());
  }

  /** One at a time and in order. */
  #next<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Steps follow each other without ever returning to the event loop: let it have its turn now and then. */
  async #pause(): Promise<void> {
    if (performance.now() - this.#lastPause < SLICE) return;
    await new Promise<void>((resume) => {
      // Timers would be held back by 4 ms each in a browser.
      const { port1, port2 } = new MessageChannel() as unknown as Channel;
      port1.onmessage = () => {
        port1.close();
        resume();
      };
      port2.postMessage(null);
    });
    this.#lastPause = performance.now();
  }
}
