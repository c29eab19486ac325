import assert from "node:assert/strict";
import { test } from "node:test";
import { describeProfile, summariseProfile, type TraceEvent } from "../../bench/harness/trace.js";

const run = (ts: number, dur: number): TraceEvent => ({ cat: "Session", name: "model_run", ts, dur });
const node = (name: string, op: string, ts: number, dur: number, kind = "kernel_time"): TraceEvent => ({
  cat: "Node",
  name: `${name}_${kind}`,
  ts,
  dur,
  args: { op_name: op, input_type_shape: [{ float: [2, 3] }, { float: [3] }] },
});

const events: TraceEvent[] = [
  run(0, 90_000),
  node("a", "Conv", 1, 80_000),
  run(100_000, 6000),
  node("a", "Conv", 100_001, 2000),
  node("a", "Conv", 100_001, 50, "fence_before"),
  node("b", "Conv", 100_002, 1000),
  node("c", "Add", 100_003, 1000),
  run(200_000, 8000),
  node("a", "Conv", 200_001, 4000),
  node("b", "Conv", 200_002, 1000),
  node("c", "Add", 200_003, 1000),
];

test("a trace is summed by op and by node, a step, without the first runs", () => {
  const profile = summariseProfile(events, 1);
  assert.equal(profile.runs, 2);
  assert.equal(profile.runMs, 7);
  assert.equal(profile.nodeMs, 5);
  assert.deepEqual(profile.ops, [
    { name: "Conv", calls: 2, ms: 4, share: 0.8 },
    { name: "Add", calls: 1, ms: 1, share: 0.2 },
  ]);
  assert.deepEqual(
    profile.nodes.map((n) => [n.name, n.ms]),
    [
      ["Conv a [2,3] [3]", 3],
      ["Conv b [2,3] [3]", 1],
      ["Add c [2,3] [3]", 1],
    ],
  );
  assert.match(
    describeProfile(profile, 1),
    /7\.000 ms a run over 2 runs[\s\S]*4\.000 {2}80\.0 % {6}2 {2}Conv[\s\S]*longest 1 of 3/,
  );
});

test("a trace without runs left is refused", () => {
  assert.throws(() => summariseProfile(events, 3), /3 runs, of which 3 are left out/);
});
