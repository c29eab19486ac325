/** Steps and the making of the next batches side by side: an error in either, and a stop, end both. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { fillBatch } from "../../../src/learn/data/read.js";
import { InterruptedError, loadData, RunError } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import { createExecutor } from "../../../src/node/executor.js";
import type { Executor } from "../../../src/engine/runtime/types.js";
import { checkpointInterval, type LoopHost, runLoop } from "../../../src/learn/train/loop.js";
import type { TrainingHooks, TrainingResult, TrainingTask } from "../../../src/learn/train/types.js";
import type { TrainingViews } from "../../../src/learn/teacher/taught.js";
import { trainingSettings } from "../../support/training.js";

const { data, splits, normalisation } = await loadData({ source: "digits" });
const STEPS = 200;

const unhandled: unknown[] = [];
const note = (reason: unknown): number => unhandled.push(reason);
before(() => process.on("unhandledRejection", note));
after(() => process.off("unhandledRejection", note));

/** What a teacher that is asked at every step has seen. */
const asked = { begun: 0, ended: 0 };
/** What has happened to executors. */
const executors = { runs: 0, disposed: 0 };
beforeEach(() => {
  Object.assign(asked, { begun: 0, ended: 0 });
  Object.assign(executors, { runs: 0, disposed: 0 });
});

function task(answer: () => Promise<void>): TrainingTask {
  const built = trainableModel(
    buildModel({ kind: "mlp", hidden: [8] }, { inputShape: data.sampleShape, classes: 10, seed: 1 }),
  );
  const views: TrainingViews = {
    blends: false,
    render(indices, _, out) {
      fillBatch(data, indices, out);
      return null;
    },
    async answers({ length }) {
      asked.begun++;
      await answer();
      asked.ended++;
      return { answers: new Float32Array(length * 10), features: [] };
    },
  };
  return {
    name: "student",
    model: { ...built, graph: withNormalisation(built.graph, built.inputs[0] as string, normalisation, "uint8") },
    data,
    train: splits.train,
    validation: splits.validation.slice(0, 60),
    objective: { alpha: 1, studentLoss: { kind: "cross-entropy" }, distillationLoss: { kind: "kd", temperature: 2 } },
    teacher: { kind: "logits", gather: (_, out) => out.fill(0) },
    views,
    settings: trainingSettings({ steps: STEPS }),
    directory: null,
    fingerprint: "loop test",
  };
}

/** @param run instead of the executor's own */
function loop(
  answer: () => Promise<void>,
  hooks: TrainingHooks = {},
  run?: (own: Executor["run"], requests: Parameters<Executor["run"]>[0]) => ReturnType<Executor["run"]>,
  save: LoopHost["save"] = null,
): Promise<TrainingResult> {
  const host: LoopHost = {
    async createExecutor(config, initial) {
      const executor = await createExecutor(config, initial);
      return {
        run(requests) {
          executors.runs++;
          return run ? run((r) => executor.run(r), requests) : executor.run(requests);
        },
        evaluate: (samples, count) => executor.evaluate(samples, count),
        snapshot: () => executor.snapshot(),
        restore: (state) => executor.restore(state),
        stop: () => executor.stop(),
        async dispose() {
          executors.disposed++;
          await executor.dispose();
        },
      };
    },
    target: "plain",
    environment: "",
    log: { bytes: 0, append() {} },
    save,
    kept: () => null,
  };
  return runLoop(task(answer), hooks, host, null);
}

/** Nothing goes on when a training has ended, and nothing was lost on the way. */
async function assertSettled(): Promise<void> {
  const { begun } = asked;
  await later(50);
  assert.equal(asked.begun, begun, "the teacher is still asked");
  assert.equal(executors.disposed, 1);
  assert.deepEqual(unhandled, []);
}

const gone = (where: string): RunError => new RunError({ code: "engine-failed", where, found: "it is gone" });

test("a training whose teacher is asked at every step ends, and each batch is made once", async () => {
  const { steps } = await loop(() => later(0));
  assert.equal(steps, STEPS);
  assert.deepEqual(asked, { begun: STEPS, ended: STEPS });
  await assertSettled();
});

test("a teacher that fails ends the training with its own error, once", async () => {
  const broken = gone("teacher");
  const fails = async (): Promise<void> => {
    await later(0);
    if (asked.begun === 30) throw broken;
  };
  await assert.rejects(loop(fails), (error) => error === broken);
  assert.deepEqual(asked, { begun: 30, ended: 29 });
  await assertSettled();
});

test("a step that fails ends the training, and the teacher is left alone before the error is given", async () => {
  const broken = gone("device");
  const failing = loop(
    () => later(2),
    {},
    async (own, requests) => {
      if (executors.runs < 3) return own(requests);
      await later(5);
      throw broken;
    },
  );
  await assert.rejects(failing, (error) => error === broken);
  assert.equal(asked.ended, asked.begun, "an answer was still on its way");
  assert.ok(asked.begun >= 60 && asked.begun < 80, `${asked.begun} batches: 60, and a part of the next 20`);
  await assertSettled();
});

test("of two errors the first is given", async () => {
  const [first, second] = [gone("device"), gone("teacher")];
  const failing = loop(
    async () => {
      if (asked.begun <= 40) return;
      await later(30);
      throw second;
    },
    {},
    async (own, requests) => {
      if (executors.runs < 2) return own(requests);
      await later(1);
      throw first;
    },
  );
  await assert.rejects(failing, (error) => error === first);
  await assertSettled();
});

test("a stop does not wait for the rest of the batches", async () => {
  const controller = new AbortController();
  const stops = async (): Promise<void> => {
    await later(0);
    if (asked.begun === 45) controller.abort();
  };
  await assert.rejects(loop(stops, { signal: controller.signal }), InterruptedError);
  assert.deepEqual(asked, { begun: 45, ended: 45 });
  await assertSettled();
});

test("checkpoints come every two seconds, less often where writing one would take more than a twentieth of the time", () => {
  assert.equal(checkpointInterval(0), 2);
  assert.equal(checkpointInterval(0.1), 2);
  assert.equal(checkpointInterval(0.5), 10);
  assert.equal(checkpointInterval(0.5, 0), 0, "as asked");
  assert.equal(checkpointInterval(0, 60), 60);
});

test("a checkpoint is written as often as asked", async () => {
  let written = 0;
  const save = async (): Promise<void> => {
    written++;
  };
  await loop(() => later(0), { checkpointSeconds: 0 }, undefined, save);
  // After each validation, every 20 steps.
  assert.equal(written, STEPS / 20);
});
