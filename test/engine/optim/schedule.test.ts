import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { scheduledStep } from "../../../src/engine/optim/schedule.js";
import type { Schedule } from "../../../src/engine/optim/types.js";

interface ScheduleCase {
  readonly schedule: Schedule;
  readonly total: number;
  readonly lr: readonly number[];
  readonly momentum: readonly number[] | null;
}

const cases = JSON.parse(readFileSync("test/fixtures/optim/schedule.json", "utf8")) as ScheduleCase[];

for (const { schedule, total, lr, momentum } of cases) {
  test(`${schedule.kind} over ${total} steps equals PyTorch's`, () => {
    lr.forEach((expected, step) => {
      const found = scheduledStep(schedule, step, total);
      // PyTorch's cosine is a recurrence and drifts by rounding; the others are the same closed form.
      assert.ok(Math.abs(found.lr - expected) <= 1e-12 * 0.4, `step ${step}: lr ${found.lr}, PyTorch ${expected}`);
      if (momentum) assert.ok(Math.abs((found.momentum as number) - (momentum[step] as number)) <= 1e-14);
      else assert.equal(found.momentum, undefined);
    });
  });
}

test("warm-up is linear and the rest of the schedule starts at its peak", () => {
  const warm = { lr: 0.5, warmup: 4 };
  const rates = (s: Schedule) => Array.from({ length: 8 }, (_, i) => scheduledStep(s, i, 8).lr);
  assert.deepEqual(rates({ kind: "constant", ...warm }), [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5]);
  const cosine = rates({ kind: "cosine", lrEnd: 0, ...warm });
  assert.deepEqual(cosine.slice(0, 5), [0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.ok(Math.abs((cosine[6] as number) - 0.25) < 1e-15, "half way down a quarter of the way from the end");
  const steps = rates({ kind: "step", gamma: 0.5, milestones: [0.25, 0.75], ...warm });
  assert.deepEqual(steps, [0.1, 0.2, 0.3, 0.4, 0.25, 0.25, 0.125, 0.125]);
});

test("one-cycle is defined for trainings too short to rise", () => {
  const s: Schedule = {
    kind: "one-cycle",
    lr: 1,
    warmFraction: 0.5,
    divFactor: 10,
    finalDivFactor: 10,
    cycleMomentum: true,
    momentumMin: 0.85,
    momentumMax: 0.95,
  };
  // warmFraction * 2 - 1 = 0: PyTorch divides by zero here. The rise has no length, so the descent starts at once.
  assert.deepEqual(scheduledStep(s, 0, 2), { lr: 1, momentum: 0.85 });
  assert.ok(Math.abs(scheduledStep(s, 1, 2).lr - 0.01) < 1e-15);
  assert.ok(Math.abs(scheduledStep(s, 0, 1).lr - 0.01) < 1e-15);
});
