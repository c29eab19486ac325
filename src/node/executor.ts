/** The executor in the caller's thread: commands to a worker, promises back. */
import { Worker } from "node:worker_threads";
import { debugScopes } from "../base/debug.js";
import { type Fault, RunError } from "../base/errors.js";
import { mismatch } from "../engine/runtime/faults.js";
import {
  BUSY,
  buffersIn,
  CLOSING,
  type Command,
  type Message,
  type Reply,
  STOP,
  unpackError,
} from "../engine/runtime/protocol.js";
import type {
  BatchArray,
  Executor,
  ExecutorConfig,
  ExecutorState,
  StepRequest,
  StepsResult,
} from "../engine/runtime/types.js";

/**
 * Starts a training worker around onnxruntime-node.
 * @param initial start values; without moments they begin at zero
 * @throws RunError when the graphs do not load, or programs and state do not fit each other
 */
export async function createExecutor(config: ExecutorConfig, initial: ExecutorState): Promise<Executor> {
  // Flags such as --input-type would be refused or misread by the worker; a scope that does not exist was said here.
  const options = { execArgv: [], env: { ...process.env, LIMBECK_DEBUG: debugScopes() } };
  return connectExecutor(new Worker(new URL("./worker.js", import.meta.url), options), config, initial);
}

/** The same over a worker made by the caller. */
export async function connectExecutor(
  worker: Worker,
  config: ExecutorConfig,
  initial: ExecutorState,
): Promise<Executor> {
  const executor = new WorkerExecutor(worker);
  await executor.start(config, initial);
  return executor;
}

/** Longest wait for native calls when the process exits, in ms. */
const EXIT_WAIT = 10_000;

/** Signals of the workers that are alive. */
const alive = new Set<Int32Array>();

/** Ending the process while a worker is inside a native call aborts it with a core dump: wait for the call to return. */
function settleWorkers(): void {
  for (const signals of alive) Atomics.store(signals, STOP, CLOSING);
  const end = performance.now() + EXIT_WAIT;
  for (const signals of alive) Atomics.wait(signals, BUSY, 1, Math.max(0, end - performance.now()));
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

class WorkerExecutor implements Executor {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #signals = new Int32Array(new SharedArrayBuffer(8));
  readonly #exited: Promise<void>;
  #lastId = 0;
  /** Why no call can be answered any more. */
  #closed: RunError | undefined;
  #disposing: Promise<void> | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error) => this.#fail(`it crashed: ${error.message}`, error));
    worker.on("messageerror", (error) => this.#fail(`it sent an unreadable reply: ${error.message}`));
    this.#exited = new Promise((resolve) => {
      worker.once("exit", (code) => {
        alive.delete(this.#signals);
        if (alive.size === 0) process.off("exit", settleWorkers);
        this.#fail(`it ended unexpectedly with the exit code ${code}`);
        resolve();
      });
    });
    if (alive.size === 0) process.on("exit", settleWorkers);
    alive.add(this.#signals);
    // An idle executor somebody forgot must not keep the process alive; a working one does.
    worker.unref();
  }

  async start(config: ExecutorConfig, initial: ExecutorState): Promise<void> {
    const command: Command = { kind: "start", config: compactConfig(config), initial: copyState(initial) };
    await this.#send(command, buffersIn(command), this.#signals);
  }

  run(requests: readonly StepRequest[]): Promise<StepsResult> {
    const command: Command = {
      kind: "run",
      requests: requests.map((r) => ({ ...r, scalars: r.scalars.slice() })),
    };
    return this.#send(command, buffersIn(command));
  }

  evaluate(samples: readonly BatchArray[], count: number): Promise<Float32Array> {
    const command: Command = { kind: "evaluate", samples: samples.map(copyArray), count };
    return this.#send(command, buffersIn(command));
  }

  snapshot(): Promise<ExecutorState> {
    return this.#send({ kind: "snapshot" });
  }

  restore(state: ExecutorState): Promise<void> {
    const command: Command = { kind: "restore", state: copyState(state) };
    return this.#send(command, buffersIn(command));
  }

  stop(): void {
    // Ids, not a switch: runs asked for later are not affected, and nobody has to reset anything.
    Atomics.store(this.#signals, STOP, this.#lastId);
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    if (!this.#closed) {
      this.stop();
      const answered = this.#send<void>({ kind: "dispose" });
      this.#closed = mismatch("executor", "it is disposed");
      // A crash on the way is reported to the calls it concerns; the worker is gone either way.
      await answered.catch(() => undefined);
    }
    this.#worker.ref();
    await this.#exited;
  }

  #send<T>(command: Command, transfer: Iterable<ArrayBuffer> = [], signals?: Int32Array): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = ++this.#lastId;
    return new Promise<T>((resolve, reject) => {
      const message: Message = { id, command, signals };
      this.#worker.postMessage(message, [...transfer]);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ("error" in reply) pending.reject(unpackError(reply.error));
    else pending.resolve(reply.value as never);
  }

  #fail(found: string, cause?: Error): void {
    const fault: Fault = {
      code: "worker-failed",
      where: "training worker",
      found,
      cure: "Try again with --resume; if it happens again, use fewer jobs or a smaller batch",
    };
    this.#closed ??= new RunError(fault, { cause });
    const error = new RunError(fault, { cause });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** Graphs may be views of bigger buffers: copies of exactly their bytes cross. */
function compactConfig(config: ExecutorConfig): ExecutorConfig {
  const { step, evaluation, diagnostic } = config;
  return {
    ...config,
    step: { ...step, graph: new Uint8Array(step.graph) },
    evaluation: { ...evaluation, graph: new Uint8Array(evaluation.graph) },
    diagnostic: diagnostic && { ...diagnostic, graph: new Uint8Array(diagnostic.graph) },
  };
}

/** Cloning a view would clone all of its buffer; `slice` of a Node Buffer copies nothing. */
function copyArray(array: BatchArray): BatchArray {
  return array instanceof Uint8Array ? new Uint8Array(array) : array.slice();
}

function copyState(state: ExecutorState): ExecutorState {
  const copy = (map: ReadonlyMap<string, Float32Array>) =>
    new Map([...map].map(([name, data]) => [name, data.slice()]));
  return {
    step: state.step,
    parameters: copy(state.parameters),
    buffers: copy(state.buffers),
    moments: copy(state.moments),
    averages: state.averages && copy(state.averages),
  };
}
