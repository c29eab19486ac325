import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { modelOf } from "../../bench/harness/model.js";
import { writeWorkload } from "../../bench/harness/prepare.js";
import { openLoop } from "../../bench/limbeck/loop.js";
import { STEP_WORKLOADS, type StepWorkload } from "../../bench/workloads.js";
import { sizeOf } from "../../src/engine/graph/tensor.js";

const small: StepWorkload = {
  ...(STEP_WORKLOADS.find((w) => w.name === "mlp-small") as StepWorkload),
  model: { kind: "mlp", hidden: [5] },
  inputShape: [3],
  classes: 4,
  batch: 8,
};

test("a prepared workload's first loss is that of the objective in float64 over its files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-loop-"));
  try {
    const prepared = writeWorkload(folder, small, 4);
    const floats = (name: string): Float32Array =>
      new Float32Array(Uint8Array.from(readFileSync(join(folder, name))).buffer);
    const ints = (name: string): Int32Array => new Int32Array(Uint8Array.from(readFileSync(join(folder, name))).buffer);
    const [samples, teacher, labels, order] = [
      floats("samples.f32"),
      floats("teacher.f32"),
      ints("labels.i32"),
      ints("order.i32"),
    ];
    assert.equal(samples.length, 32 * 3);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      [...Array(32).keys()],
    );
    const weights = floats("weights.f32");
    const [w1, b1, w2, b2] = prepared.parameters.map((p) => weights.subarray(p.offset, p.offset + sizeOf(p.shape))) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const dense = (x: number[], w: Float32Array, b: Float32Array): number[] =>
      Array.from(b, (bias, o) => bias + x.reduce((sum, v, i) => sum + v * (w[o * x.length + i] as number), 0));
    const logSoftmax = (z: number[]): number[] => {
      const top = Math.max(...z);
      const total = top + Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0));
      return z.map((v) => v - total);
    };
    let expected = 0;
    for (const row of order.subarray(0, 8)) {
      const hidden = dense([...samples.subarray(row * 3, row * 3 + 3)], w1, b1).map((v) => Math.max(v, 0));
      const logits = dense(hidden, w2, b2);
      const soft = logSoftmax([...teacher.subarray(row * 4, row * 4 + 4)].map((v) => v / 4));
      const ours = logSoftmax(logits.map((v) => v / 4));
      const kl = soft.reduce((sum, s, c) => sum + Math.exp(s) * (s - (ours[c] as number)), 0);
      expected += (-0.1 * (logSoftmax(logits)[labels[row] as number] as number) + 0.9 * 16 * kl) / 8;
    }
    const { loop, parameters } = await openLoop(folder, 1);
    try {
      assert.equal(parameters, modelOf(small).parameterCount);
      const losses = await loop.losses(5);
      assert.equal(losses.length, 5);
      assert.ok(Math.abs((losses[0] as number) - expected) < 1e-5, `${losses[0]} against ${expected}`);
      const turn = await loop.run(0.01);
      assert.ok(turn.steps >= 1 && Number.isFinite(turn.loss));
    } finally {
      await loop.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("workloads have names of their own", () => {
  assert.equal(new Set(STEP_WORKLOADS.map((w) => w.name)).size, STEP_WORKLOADS.length);
});
