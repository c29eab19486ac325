import assert from "node:assert/strict";
import { test } from "node:test";
import { measureLatencies, measureLatency } from "../../../src/learn/evaluate/latency.js";

test("median and 95th percentile of known times, warm-up left out", async () => {
  let now = 0;
  let calls = 0;
  // Warm-up calls take 1000 ms, the measured ones 1, 2 ... 20 in a shuffled order.
  const order = [7, 3, 20, 1, 15, 9, 2, 18, 5, 12, 11, 6, 19, 4, 14, 10, 8, 17, 13, 16];
  const run = async (): Promise<void> => {
    now += calls < 5 ? 1000 : (order[calls - 5] as number);
    calls++;
  };
  const found = await measureLatency(run, { runs: 20, warmup: 5, clock: () => now });
  assert.deepEqual(found, { medianMs: 10.5, p95Ms: 19, batch: 1, runs: 20 });
  assert.equal(calls, 25);
});

test("models take turns, and each keeps its own times", async () => {
  let now = 0;
  const trace: string[] = [];
  const model = (name: string, ms: number) => ({
    name,
    run: async () => {
      trace.push(name);
      now += ms;
    },
  });
  const found = await measureLatencies([model("a", 1), model("b", 10), model("c", 100)], {
    runs: 4,
    warmup: 2,
    clock: () => now,
  });
  assert.deepEqual(
    found.map((l) => [l.medianMs, l.p95Ms]),
    [
      [1, 1],
      [10, 10],
      [100, 100],
    ],
  );
  assert.equal(trace.join(""), "abcbcacababcbcacab");
});

test("a real clock measures a real wait", async () => {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const [short, long] = await measureLatencies(
    [
      { name: "short", run: () => wait(1) },
      { name: "long", run: () => wait(15) },
    ],
    { runs: 5, warmup: 1 },
  );
  assert.ok((short?.medianMs ?? 0) < (long?.medianMs ?? 0));
  assert.ok((long?.medianMs ?? 0) >= 14);
});

test("it stops when asked to", async () => {
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(
    measureLatency(async () => {}, { signal: controller.signal }),
    /interrupted/,
  );
  await assert.rejects(
    measureLatency(async () => {}, { runs: 0 }),
    RangeError,
  );
});
