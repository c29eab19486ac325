/** Trainings side by side are the trainings one after another. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill, InterruptedError, type RecipeInput, RunError } from "../../src/index.js";
import type { RunEvent } from "../../src/run/folder/events.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-pool-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "pool",
  seeds: 2,
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [32] }, training: { steps: 60 } },
  student: { kind: "mlp", hidden: [12], dropout: 0.1 },
  training: { steps: 80, batch: 32, validate_every: 20 },
};

function models(out: string): Record<string, string> {
  const files = readdirSync(out, { recursive: true })
    .map(String)
    .filter((f) => f.endsWith(".onnx") || f.endsWith("metrics.jsonl"));
  return Object.fromEntries(
    files.sort().map((f) => [
      f,
      createHash("sha256")
        .update(readFileSync(join(out, f)))
        .digest("hex"),
    ]),
  );
}

/** The most trainings that were under way at any moment. */
function mostAtOnce(events: readonly RunEvent[]): number {
  const running = new Set<string>();
  let most = 0;
  for (const event of events) {
    if (event.kind !== "training") continue;
    const { name, step, steps } = event.progress;
    if (step < steps) running.add(name);
    else running.delete(name);
    most = Math.max(most, running.size);
  }
  return most;
}

test("the same models whatever the number of trainings at a time", async () => {
  const all: Record<string, string>[] = [];
  const tables: unknown[] = [];
  const most: number[] = [];
  for (const jobs of [1, 2, 4]) {
    const out = join(folder, `jobs-${jobs}`);
    const events: RunEvent[] = [];
    const { summary } = await distill(recipe, { out, jobs, threads: 1, onEvent: (e) => events.push(e) });
    all.push(models(out));
    tables.push(summary.models.map((m) => [m.name, m.accuracy, m.seeds.map((s) => [s.seed, s.nll, s.agreement])]));
    most.push(mostAtOnce(events));
    const together = events.flatMap((e) => (e.kind === "training" && e.together ? [e.together] : []));
    if (jobs === 1) assert.equal(together.length, 0);
    else {
      const last = together.at(-1);
      assert.deepEqual([last?.trainings, last?.done, last?.step, last?.steps], [4, 4, 320, 320]);
      assert.ok(together.every((t) => t.atATime === jobs && t.step <= t.steps));
    }
  }
  assert.ok(Object.keys(all[0] as object).length >= 11);
  assert.deepEqual(all[1], all[0]);
  assert.deepEqual(all[2], all[0]);
  assert.deepEqual(tables[1], tables[0]);
  assert.deepEqual(tables[2], tables[0]);
  assert.equal(most[0], 1);
  assert.ok((most[1] as number) <= 2, `${most[1]} at a time`);
});

test("one training that fails ends the run with its own error, and the others have a checkpoint", async () => {
  const out = join(folder, "failing");
  // The baseline learns from labels alone and goes on; the student's loss has no end.
  const failing: RecipeInput = {
    ...recipe,
    seeds: 1,
    training: { steps: 4000, batch: 32, optimizer: { kind: "sgd" }, schedule: { kind: "constant", lr: 0.01 } },
    objective: { weights: { student: 0, distillation: 1e38 } },
  };
  await assert.rejects(distill(failing, { out, jobs: 2, threads: 1 }), (error: Error) => {
    assert.ok(error instanceof RunError && !(error instanceof InterruptedError), String(error));
    return /student, seed 0/.test(error.where) && error.code === "diverged";
  });
  const baseline = readdirSync(join(out, "trainings")).find((name) => name.startsWith("baseline"));
  assert.ok(
    baseline && existsSync(join(out, "trainings", baseline, "checkpoint.safetensors")),
    "the baseline's checkpoint",
  );
});

test("an interruption stops all of them, and resuming ends with the same models", async () => {
  const out = join(folder, "stopped");
  const controller = new AbortController();
  const onEvent = (e: RunEvent): void => {
    if (e.kind === "training" && e.together && e.together.step > 60) controller.abort();
  };
  const options = { jobs: 2, threads: 1 };
  await assert.rejects(distill(recipe, { ...options, out, onEvent, signal: controller.signal }), InterruptedError);
  await distill(recipe, { ...options, resume: out });
  assert.deepEqual(models(out), models(join(folder, "jobs-2")));
});
