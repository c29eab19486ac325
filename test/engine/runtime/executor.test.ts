import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { faultOf, InputError, RunError } from "../../../src/base/errors.js";
import { connectExecutor, createExecutor } from "../../../src/node/executor.js";
import { packError, unpackError } from "../../../src/engine/runtime/protocol.js";
import { nodeRuntime } from "../../../src/node/session.js";
import type { Executor, ExecutorConfig, StepRequest } from "../../../src/engine/runtime/types.js";
import { TrainingCore } from "../../../src/engine/runtime/worker-core.js";
import { assertClose, bytesOfState, fixture, initialState, network, requests } from "./network.js";

async function withExecutor<T>(config: ExecutorConfig, use: (executor: Executor) => Promise<T>): Promise<T> {
  const executor = await createExecutor(config, initialState());
  try {
    return await use(executor);
  } finally {
    await executor.dispose();
  }
}

test("the worker gives the same bytes as the core in this thread", async () => {
  const config = network({ maskRate: 0.2, diagnostic: false }, { rule: fixture.cases[3]?.rule });
  const core = await TrainingCore.create(await nodeRuntime(), config, initialState());
  const expected = await core.run(requests(0, 12));
  const bytes = bytesOfState(core.snapshot());
  await core.dispose();
  await withExecutor(config, async (executor) => {
    const [first, second] = await Promise.all([executor.run(requests(0, 5)), executor.run(requests(5, 12))]);
    assert.deepEqual([first.done, second.done], [5, 7]);
    assert.deepEqual([...first.losses, ...second.losses], [...expected.losses]);
    assert.equal(bytesOfState(await executor.snapshot()), bytes);
  });
});

test("batches are transferred, everything else is copied", async () => {
  await withExecutor(network(), async (executor) => {
    const [request] = requests(0, 1) as [StepRequest];
    const scalars = new Float32Array([1, 2]).subarray(0, 1);
    await executor.run([{ ...request, scalars }]);
    assert.equal(request.micro[0]?.[0]?.length, 0, "a transferred array is empty");
    assert.equal(scalars.length, 1);
    const samples = Float32Array.from(fixture.x.flat()).subarray(6, 12);
    const one = await executor.evaluate([samples], 1);
    assert.equal(samples.length, 6);
    assert.equal(one.length, fixture.classes);
    const state = await executor.snapshot();
    const before = bytesOfState(state);
    await executor.run(requests(1, 3));
    assert.equal(bytesOfState(state), before, "a snapshot is a copy");
    await executor.restore(state);
    assert.equal(bytesOfState(await executor.snapshot()), before);
    assertClose(await executor.evaluate([samples], 1), one, 0, "logits");
  });
});

test("stop ends a run after the step it is in; the next run is not affected", async () => {
  await withExecutor(network(), async (executor) => {
    const many = Array.from({ length: 400 }, () => requests(0, 20)).flat();
    const running = executor.run(many);
    await new Promise((resolve) => setTimeout(resolve, 30));
    executor.stop();
    const result = await running;
    assert.ok(result.done < many.length, `${result.done} of ${many.length} steps`);
    assert.equal(result.diverged, false);
    assert.equal(result.gradientNorms.length, result.done);
    assert.equal((await executor.snapshot()).step, result.done);
    executor.stop();
    assert.equal((await executor.run(requests(0, 3))).done, 3);
  });
});

test("errors cross with the node's name, and the executor lives on", async () => {
  await withExecutor(network(), async (executor) => {
    const [request] = requests(0, 1) as [StepRequest];
    (request.micro[0]?.[1] as BigInt64Array)[0] = -7n;
    await assert.rejects(executor.run([request]), {
      name: "RunError",
      code: "engine-failed",
      where: "training step 1",
      found: /labels\/gather/,
    });
    await assert.rejects(executor.evaluate([new Float32Array(5)], 1), {
      name: "RunError",
      code: "internal",
      where: "evaluation",
      found: /5 values/,
      expected: /^6,/,
    });
    assert.equal((await executor.run(requests(0, 2))).done, 2);
  });
  const config = network();
  await assert.rejects(createExecutor({ ...config, step: { ...config.step, scalars: [] } }, initialState()), {
    name: "RunError",
    code: "internal",
    where: "training graph",
    found: /"scale"/,
  });
});

test("dispose stops a run, may be repeated and refuses later calls", async () => {
  const executor = await createExecutor(network(), initialState());
  const running = executor.run(Array.from({ length: 400 }, () => requests(0, 20)).flat());
  await Promise.all([executor.dispose(), executor.dispose()]);
  assert.ok((await running).done < 8000);
  await executor.dispose();
  await assert.rejects(executor.run([]), { name: "RunError", where: "executor" });
  await assert.rejects(executor.snapshot(), { where: "executor" });
});

test("a worker that dies rejects what is pending and what comes after", async () => {
  const script = (body: string) =>
    new Worker(
      `const { parentPort } = require("node:worker_threads");
       parentPort.on("message", ({ id, command }) => {
         if (command.kind === "start") return parentPort.postMessage({ id, value: undefined });
         ${body}
       });`,
      { eval: true },
    );
  const exiting = await connectExecutor(script("process.exit(3);"), network(), initialState());
  const lost = [exiting.run(requests(0, 1)), exiting.snapshot()];
  for (const call of lost)
    await assert.rejects(call, { name: "RunError", code: "worker-failed", found: /3/, cure: /./ });
  await assert.rejects(exiting.snapshot(), { name: "RunError" });
  await exiting.dispose();
  const throwing = await connectExecutor(script(`throw new Error("out of luck");`), network(), initialState());
  await assert.rejects(throwing.run(requests(0, 1)), {
    name: "RunError",
    code: "worker-failed",
    found: /out of luck/,
  });
  await throwing.dispose();
});

test("an error crosses the worker's boundary with its class and all its parts", async () => {
  const detail = { code: "option-missing", where: "data.path", found: "missing" } as const;
  const fault = { code: "recipe-invalid", where: "r.yaml", found: "1 problem", expected: "b", cure: "c" } as const;
  for (const thrown of [new InputError({ ...fault, details: [detail] }), new RunError({ ...fault, where: "" })]) {
    // As a message of a worker is copied.
    const back = unpackError(structuredClone(packError(thrown)));
    assert.equal(back.constructor, thrown.constructor);
    assert.deepEqual(faultOf(back), faultOf(thrown));
    assert.equal(back.message, thrown.message);
  }
  const bug = unpackError(structuredClone(packError(new TypeError("x is not a function"))));
  assert.deepEqual([bug.name, bug.code, bug.where], ["RunError", "internal", "training worker"]);
  assert.match(bug.found, /^TypeError: x is not a function\n +at /);
});

test("two executors at once do not disturb each other", async () => {
  const config = network();
  const bytes = await Promise.all(
    [0, 1].map(() =>
      withExecutor(config, async (executor) => {
        await executor.run(requests(0, 20));
        return bytesOfState(await executor.snapshot());
      }),
    ),
  );
  assert.equal(bytes[0], bytes[1]);
});

/** Runs a module in a process of its own, with the executor and the network at hand. */
async function inProcess(body: string): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const here = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  const code = `
    import { createExecutor } from ${here("../../../src/node/executor.js")};
    import { network, initialState, requests } from ${here("network.js")};
    const executor = await createExecutor(network(), initialState());
    ${body}`;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--input-type=module", "-e", code],
      { timeout: 60_000 },
      (_error, stdout, stderr) => resolve({ stdout, stderr, code: child.exitCode }),
    );
  });
}

test("a forgotten executor does not keep the process alive", async () => {
  const { stdout, code } = await inProcess("console.log((await executor.run(requests(0, 5))).done);");
  assert.deepEqual([stdout.trim(), code], ["5", 0]);
});

test("the process may exit in the middle of a run", async () => {
  const run = "executor.run(Array.from({ length: 500 }, () => requests(0, 20)).flat());";
  const exits = `${run} setTimeout(() => { console.log("bye"); process.exit(130); }, 100);`;
  assert.deepEqual(await inProcess(exits), { stdout: "bye\n", stderr: "", code: 130 });
  const throws = `${run} setTimeout(() => { throw new Error("oops"); }, 100);`;
  const { code, stderr } = await inProcess(throws);
  assert.equal(code, 1);
  assert.match(stderr, /oops/);
  assert.doesNotMatch(stderr, /terminate/);
});
