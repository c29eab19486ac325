import assert from "node:assert/strict";
import { test } from "node:test";
import { performancePage } from "../../bench/harness/report.js";
import { rowLines, rowRatio, rowSection } from "../../bench/harness/row-report.js";
import { answerDifference } from "../../bench/rows/label.js";
import type { Measurement, RowCase, RowResult } from "../../bench/rows/row.js";

const measurement = (system: string, values: number[], difference: number | null): Measurement => ({
  system,
  title: system.toUpperCase(),
  version: `${system} 1.0`,
  detail: "detail",
  values,
  difference,
  peakBytes: 64 * 2 ** 20,
});

const part = (higher: boolean): RowCase => ({
  name: "a case",
  title: "What is done",
  unit: "samples per second",
  higher,
  compared: { what: "answers", tolerance: 1e-3 },
  measurements: [
    { ...measurement("limbeck", [100, 300], null), parts: { "training, s": [1, 3] } },
    measurement("torch", [50, 50], 2e-3),
  ],
  absences: [{ system: "tfjs", title: "TensorFlow.js", reason: "trace\nno kernel" }],
});

const row = (higher: boolean): RowResult => ({
  row: "label",
  title: "Labelling",
  about: ["As it is done."],
  date: "2026-01-02T03:04:05.000Z",
  commit: "abc1234",
  machine: { processor: "Processor", cores: 2, memoryBytes: 4 * 2 ** 30, system: "Linux 6" },
  threads: 2,
  rounds: 2,
  seconds: 1,
  command: "npm run bench -- --fresh --only label",
  cases: [part(higher)],
});

test("a ratio says how many times as fast limbeck is, whichever way the unit counts", () => {
  const of = (p: RowCase): unknown => rowRatio(p, p.measurements[1] as Measurement);
  assert.deepEqual(of(part(true)), { median: 4, low: 2, high: 6 });
  const lower = of(part(false)) as { low: number; high: number };
  assert.deepEqual([lower.low, lower.high], [50 / 300, 50 / 100]);
  const alone = part(true);
  assert.equal(rowRatio(alone, alone.measurements[0] as Measurement), null);
  assert.equal(rowRatio({ ...alone, measurements: alone.measurements.slice(1) }, measurement("torch", [1], 0)), null);
});

test("a row's section says conditions, numbers, differences and who is absent", () => {
  const text = rowSection(row(true)).join("\n");
  assert.match(text, /2026-01-02 at commit abc1234, 2 rounds, 2 threads; `npm run bench -- --fresh --only label`/);
  assert.match(text, /Processor, 2 cores, 4 GiB, Linux 6/);
  assert.match(text, /versions: limbeck 1\.0; torch 1\.0/);
  assert.match(text, /\| LIMBECK \| 200 \(100 to 300\) \| 1 \| 2\.00 \(1\.00 to 3\.00\) \| 64 MiB \| {2}\|/);
  assert.match(text, /\| TORCH \| 50\.0 \| 4\.0 \(2\.0 to 6\.0\) \| {2}\| 64 MiB \| 2\.0e-3 \(\*\*too much\*\*\) \|/);
  assert.match(text, /^TensorFlow\.js: no kernel$/m);
  assert.match(
    rowLines(row(true)).join("\n"),
    /TORCH .*limbeck is faster by 4\.0 \(2\.0 to 6\.0\), differs by 2\.0e-3/,
  );
  const page = performancePage([], ["mlp-small", "label", "browser"], [row(true)]);
  assert.match(page, /^## label$/m);
  assert.match(page, /Not measured yet: mlp-small, browser\./);
});

test("answers are compared by the largest of them, and NaN or a missing one is no agreement", () => {
  assert.equal(answerDifference([1, -4.5], [1, -4]), 0.125);
  assert.equal(answerDifference([Number.NaN, 1], [1, 1]), Number.POSITIVE_INFINITY);
  assert.equal(answerDifference([1], [1, 1]), Number.POSITIVE_INFINITY);
});
