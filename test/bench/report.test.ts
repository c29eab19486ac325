import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { performancePlot } from "../../bench/harness/plot.js";
import { bestTorch, compareResults, performancePage, resultLines } from "../../bench/harness/report.js";
import { covers, loadResults, type StepResult, saveResult } from "../../bench/harness/results.js";
import type { Outcome } from "../../bench/harness/rounds.js";

const outcome = (system: string, milliseconds: number[], losses = [2, 1]): Outcome => ({
  system,
  ready: { ready: true, version: `${system} 1.0`, detail: "detail", parameters: 5, openSeconds: 0.1 },
  losses,
  milliseconds,
  steps: 10,
  lastLoss: 0.5,
  peakBytes: 64 * 2 ** 20,
});

const result = (workload: string, outcomes: Outcome[]): StepResult => ({
  workload,
  title: "a workload",
  describe: "mlp 1-1",
  parameters: 12345,
  date: "2026-01-02T03:04:05.000Z",
  commit: "abc1234",
  machine: { processor: "Processor", cores: 2, memoryBytes: 4 * 2 ** 30, system: "Linux 6" },
  threads: 2,
  rounds: 2,
  seconds: 1,
  outcomes,
  failures: [{ system: "torch-compile", error: "trace\nno compiler" }],
});

const results = [
  result("first", [outcome("limbeck", [2, 4]), outcome("torch", [8, 16]), outcome("torch-channels-last", [4, 8])]),
  result("second", [outcome("limbeck", [4, 4]), outcome("torch", [2, 2], [2, 1.01])]),
];

test("the headline compares with the faster eager PyTorch", () => {
  const best = bestTorch(compareResults(results));
  assert.deepEqual(
    best.map((c) => [c.workload, c.system, c.ratio?.median]),
    [
      ["first", "torch-channels-last", 2],
      ["second", "torch", 0.5],
    ],
  );
  const page = performancePage(results, ["first", "second", "third"]);
  assert.match(page, /\b1\.00 times as\s+fast[\s\S]*at\s+least as fast on 1 of 2 workloads/);
});

test("the page says numbers, conditions, failures and what is missing", () => {
  const page = performancePage(results, ["first", "second", "third"]);
  assert.match(page, /\| PyTorch \| 12\.0 \(8\.00 to 16\.0\) \| 4\.0 \| 64 MiB \| 0\.0e\+0 \|/);
  assert.match(page, /Processor, 2 cores, 4 GiB, Linux 6/);
  assert.match(page, /limbeck 1\.0; torch 1\.0; torch-channels-last 1\.0/);
  assert.match(page, /2026-01-02 at commit abc1234/);
  assert.match(page, /PyTorch, torch\.compile failed: no compiler/);
  assert.match(page, /Not measured yet: third\./);
  assert.match(performancePage([], ["first"]), /Nothing has been measured yet/);
});

test("a system whose losses differ is marked", () => {
  assert.match(performancePage(results, []), /1\.0e-2 \(\*\*too much\*\*\)/);
  assert.match(resultLines(results[1] as StepResult).join("\n"), /torch .*NOT THE SAME WORK/);
  assert.doesNotMatch(resultLines(results[0] as StepResult).join("\n"), /NOT THE SAME/);
});

test("the chart stands alone and has a dot for every other system", () => {
  const svg = performancePlot(compareResults(results));
  assert.match(svg, /^<svg[^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  // Three others, and two names in the legend.
  assert.equal(svg.match(/<circle/g)?.length, 5);
  assert.match(svg, />PyTorch, channels_last</);
});

test("results come back as they were saved, and only a full match is kept", async () => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-results-"));
  try {
    for (const r of results) await saveResult(r, folder);
    assert.deepEqual(loadResults(["second", "absent", "first"], folder), [results[1], results[0]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const known = results[1] as StepResult;
  assert.ok(covers(known, { rounds: 2, seconds: 1, systems: ["limbeck", "torch", "torch-compile"] }));
  assert.ok(!covers(known, { rounds: 2, seconds: 1, systems: ["limbeck", "keras"] }));
  assert.ok(!covers(known, { rounds: 3, seconds: 1, systems: ["limbeck"] }));
});
