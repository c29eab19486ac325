/** Entry of the worker thread: commands in, replies out, one at a time and in order. */
import { parentPort } from "node:worker_threads";
import { type Core, createCore } from "../engine/runtime/core.js";
import { mismatch } from "../engine/runtime/faults.js";
import {
  BUSY,
  buffersIn,
  CLOSING,
  type Command,
  type Message,
  packError,
  type Reply,
  STOP,
} from "../engine/runtime/protocol.js";
import { nodeRuntime } from "./session.js";

const port = parentPort;
if (!port) throw new Error("worker.js runs in a worker thread only");

let core: Core | undefined;
let signals: Int32Array = new Int32Array(2);
let queue: Promise<void> = Promise.resolve();

port.on("message", (message: Message) => {
  if (message.signals) signals = message.signals;
  queue = queue.then(() => whileBusy(() => answer(message)));
});

/** Tells the caller when it is safe to end the process: ending it inside a native call aborts it. */
async function whileBusy(work: () => Promise<void>): Promise<void> {
  Atomics.store(signals, BUSY, 1);
  try {
    if (Atomics.load(signals, STOP) !== CLOSING) await work();
  } finally {
    Atomics.store(signals, BUSY, 0);
    Atomics.notify(signals, BUSY);
  }
}

async function answer({ id, command }: Message): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, value: await execute(id, command) };
  } catch (error) {
    reply = { id, error: packError(error) };
  }
  port?.postMessage(reply, [...buffersIn(reply)]);
  // Nothing else keeps the thread alive, so it ends by itself.
  if (command.kind === "dispose" || (command.kind === "start" && !core)) port?.close();
}

async function execute(id: number, command: Command): Promise<unknown> {
  if (command.kind === "start") {
    core = await createCore(await nodeRuntime(), command.config, command.initial);
    return undefined;
  }
  if (command.kind === "dispose") return core?.dispose();
  if (!core) throw mismatch("training worker", "it was not started");
  switch (command.kind) {
    case "run":
      return core.run(command.requests, () => Atomics.load(signals, STOP) >= id);
    case "evaluate":
      return core.evaluate(command.samples, command.count);
    case "snapshot":
      return core.snapshot();
    case "restore":
      return core.restore(command.state);
  }
}
