/** Entry of the worker thread: commands in, replies out, one at a time and in order. */
import { parentPort } from "node:worker_threads";
import { buffersIn, type Command, type Message, packError, type Reply } from "./protocol.js";
import { TrainingCore } from "./worker-core.js";

const port = parentPort;
if (!port) throw new Error("worker.js runs in a worker thread only");

let core: TrainingCore | undefined;
let stopFlag: Int32Array = new Int32Array(1);
let queue: Promise<void> = Promise.resolve();

port.on("message", (message: Message) => {
  queue = queue.then(() => answer(message));
});

async function answer({ id, command, stopFlag: flag }: Message): Promise<void> {
  if (flag) stopFlag = flag;
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
    core = await TrainingCore.create(command.config, command.initial);
    return undefined;
  }
  if (command.kind === "dispose") return core?.dispose();
  if (!core) throw new Error("the worker was not started");
  switch (command.kind) {
    case "run":
      return core.run(command.requests, () => Atomics.load(stopFlag, 0) >= id);
    case "evaluate":
      return core.evaluate(command.samples, command.count);
    case "snapshot":
      return core.snapshot();
    case "restore":
      return core.restore(command.state);
  }
}
