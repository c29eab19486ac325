import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { test } from "node:test";
import { growthPlot } from "../../bench/harness/growth-plot.js";
import { runProgram } from "../../bench/harness/program.js";
import { rowSection } from "../../bench/harness/row-report.js";
import { memoryEnd } from "../../bench/rows/growth.js";
import { type ProgramSystem, playPrograms } from "../../bench/rows/programs.js";
import type { Curve, RowOptions, RowResult } from "../../bench/rows/row.js";

const node = (script: string): { command: string; args: string[] } => ({
  command: process.execPath,
  args: ["-e", script],
});
const report = (text: string): string =>
  `console.log("chatter"); console.log(JSON.stringify({ version: "1.0", detail: "", peakBytes: 5, ${text} }))`;

const system = (name: string, script: (round: number) => string, missing: string | null = null): ProgramSystem => ({
  name,
  title: name.toUpperCase(),
  missing: () => missing,
  command: (round) => node(script(round)),
});

const options = (changes: Partial<RowOptions> = {}): RowOptions => ({
  rounds: 2,
  seconds: 1,
  python: "python3",
  log: () => undefined,
  ...changes,
});

test("a program's time is that of its process, its report the last JSON line", async () => {
  const run = await runProgram(node(`setTimeout(() => { ${report("parts: { a: 1 }")} }, 300)`));
  assert.deepEqual(run.report.parts, { a: 1 });
  assert.ok(run.seconds >= 0.3, String(run.seconds));
  await assert.rejects(
    runProgram(node("console.error('no such thing'); process.exit(3)")),
    /ended with 3.*no such thing/s,
  );
  await assert.rejects(runProgram(node("console.log('nothing to report')")), /ended with 0/);
});

test("programs take turns, are compared with limbeck, and who fails or is missing is named", async () => {
  const part = await playPrograms(
    [
      system("limbeck", (r) => report(`value: ${r + 1}, parts: { x: ${10 * r} }, compared: [1, -4]`)),
      system("torch", (r) => report(`value: ${2 * (r + 1)}, parts: { x: 7 }, compared: [1, -4.5]`)),
      system("failing", (r) => (r === 0 ? report("parts: {}") : "throw new Error('out of luck')")),
      system("absent", () => "", "not installed"),
    ],
    { name: "case", title: "A case", compared: { what: "answers", tolerance: 1e-3 } },
    options(),
  );
  assert.deepEqual(
    part.measurements.map((m) => [m.system, m.values, m.parts, m.difference, m.peakBytes]),
    [
      ["limbeck", [1, 2], { x: [0, 10] }, null, 5],
      ["torch", [2, 4], { x: [7, 7] }, 0.125, 5],
    ],
  );
  assert.deepEqual(
    part.absences.map((a) => a.system),
    ["absent", "failing"],
  );
  assert.match(part.absences[1]?.reason ?? "", /out of luck/);
  const alone = await playPrograms([system("a", () => ""), system("b", () => report("parts: {}"))], part, {
    ...options({ rounds: 1 }),
    systems: ["b"],
  });
  assert.deepEqual(
    alone.measurements.map((m) => m.system),
    ["b"],
  );
});

const curve = (system: string, chart: string, points: [number, number][]): Curve => ({
  chart,
  system,
  version: `${system} 1.0`,
  x: "samples",
  y: "ms",
  points: points.map(([x, y]) => ({ x, y })),
});
const curves = [
  curve("limbeck", "width", [
    [64, 1],
    [1024, 2000.4],
  ]),
  curve("PyTorch", "width", [[1024, 999.8]]),
  curve("limbeck", "depth", [[2, 0.5]]),
];

test("curves become tables and one stand-alone chart", () => {
  const row: RowResult = {
    row: "growth",
    title: "How cost grows",
    about: [],
    date: "2026-01-02T03:04:05.000Z",
    commit: null,
    machine: { processor: "Processor", cores: 2, memoryBytes: 2 ** 32, system: "Linux 6" },
    threads: 2,
    rounds: 1,
    seconds: 1,
    command: "npm run bench -- --growth",
    cases: [],
    curves,
  };
  const text = rowSection(row).join("\n");
  assert.match(text, /!\[How cost grows\]\(images\/growth\.svg\)/);
  assert.match(
    text,
    /### width\n\n\| samples \| limbeck, ms \| PyTorch, ms \|\n\|---\|---\|---\|\n\| 64 \| 1\.00 \| {2}\|\n\| 1,024 \| 2000 \| 1000 \|/,
  );
  assert.match(text, /versions: limbeck 1\.0; PyTorch 1\.0/);
  const svg = growthPlot(curves);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  // Two charts inside, a dot for each of four points and two keys.
  assert.equal(svg.match(/<svg/g)?.length, 3);
  assert.equal(svg.match(/<circle/g)?.length, 6);
});

test("where memory ends follows from what a sample costs", () => {
  const gib = totalmem() / 2 ** 30;
  // 100 MiB at first, and 1,024 bytes for each of 2^20 further samples.
  const [line] = memoryEnd("limbeck", [
    { x: 0, y: 100 },
    { x: 2 ** 20, y: 1124 },
  ]);
  assert.match(line ?? "", /limbeck takes 1024 bytes per sample/);
  const millions = Number(/about ([\d.e+]+) million/.exec(line ?? "")?.[1]);
  const expected = ((gib * 1024 - 100) * 2 ** 20) / 1024 / 1e6;
  assert.ok(Math.abs(millions / expected - 1) < 0.06, `${millions}, expected ${expected}`);
  assert.deepEqual(memoryEnd("limbeck", [{ x: 10, y: 100 }]), []);
});
