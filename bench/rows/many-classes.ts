/** How time, memory and what is written grow with the number of classes: a whole run, and its evaluation and report alone. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/node/package-root.js";
import { Random } from "../../src/engine/random/random.js";
import { type ProgramReport, runProgram } from "../harness/program.js";
import { median } from "../harness/statistics.js";
import { THREADS } from "../harness/systems.js";
import { SEED } from "../workloads.js";
import type { Curve, Row } from "./row.js";

const CLASSES = [1_000, 2_000, 5_000, 10_000];
const ROWS = 20_000;
const FEATURES = 32;
const STEPS = 60;

export const MANY_CLASSES_ROW: Row = {
  name: "many-classes",
  title: "How a run grows with the number of classes",
  rounds: 1,
  always: false,
  async measure(options) {
    const curves = new Map<string, { chart: string; y: string; version: string; points: { x: number; y: number }[] }>();
    const put = (chart: string, y: string, version: string, x: number, value: number): void => {
      const curve = curves.get(chart) ?? { chart, y, version, points: [] };
      curve.points.push({ x, y: value });
      curves.set(chart, curve);
    };
    for (const classes of CLASSES) {
      const whole: ProgramReport[] = [];
      const again: ProgramReport[] = [];
      for (let round = 0; round < options.rounds; round++) {
        const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-classes-"));
        try {
          writeRun(folder, classes);
          whole.push(await play(folder, "whole"));
          reopen(join(folder, "run"));
          again.push(await play(folder, "again"));
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }
      const middle = (of: readonly ProgramReport[], value: (r: ProgramReport) => number): number =>
        median(of.map(value));
      const peak = (r: ProgramReport): number => (r.peakBytes ?? Number.NaN) / 2 ** 20;
      const seconds = (r: ProgramReport): number => r.value ?? Number.NaN;
      const [{ version, parts }] = whole as [ProgramReport];
      options.log(
        `many-classes: ${classes} classes, ${middle(whole, seconds).toFixed(1)} s, ${middle(whole, peak).toFixed(0)} MiB`,
      );
      put("whole run, time", "CPU s", version, classes, middle(whole, seconds));
      put("whole run, memory", "peak MiB", version, classes, middle(whole, peak));
      put("evaluation and report, time", "CPU s", version, classes, middle(again, seconds));
      put("evaluation and report, memory", "peak MiB", version, classes, middle(again, peak));
      put("summary.json", "KiB", version, classes, parts["summary.json, KiB"] as number);
      put("report.html", "KiB", version, classes, parts["report.html, KiB"] as number);
    }
    return {
      about: [
        `${ROWS.toLocaleString("en")} rows of ${FEATURES} features, of which a fifth is the test part: a prototype for each class, and noise.`,
        `Teacher 32-64-classes, student and baseline 32-16-classes, ${STEPS} steps of 256 each, one seed; labelled, trained, evaluated and reported.`,
        "Evaluation and report alone: the same run resumed, with everything trained and labelled; loading the data is included.",
        "Time is that of all threads of the process, from its start.",
      ],
      cases: [],
      curves: [...curves.values()].map((c): Curve => ({ ...c, system: "limbeck", x: "classes" })),
    };
  },
};

async function play(folder: string, phase: "whole" | "again"): Promise<ProgramReport> {
  const program = join(packageRoot(), "build-bench", "bench", "limbeck", "many-classes.js");
  const { report } = await runProgram({ command: process.execPath, args: [program, folder, phase, String(THREADS)] });
  return report;
}

/** Makes a finished run one that was stopped before its summary was written. */
function reopen(run: string): void {
  const state = join(run, "state.json");
  writeFileSync(state, JSON.stringify({ ...JSON.parse(readFileSync(state, "utf8")), status: "running" }));
  for (const name of ["summary.json", "report.html", "classes.json"]) rmSync(join(run, name), { force: true });
}

function writeRun(folder: string, classes: number): void {
  const prototypes = new Float32Array(classes * FEATURES);
  new Random(SEED, "prototypes").fillNormal(prototypes, 0, 1);
  const samples = new Float32Array(ROWS * FEATURES);
  new Random(SEED, "noise").fillNormal(samples, 0, 0.5);
  const labels = Int32Array.from({ length: ROWS }, (_, row) => row % classes);
  for (const [row, label] of labels.entries())
    for (let f = 0; f < FEATURES; f++)
      samples[row * FEATURES + f] =
        (samples[row * FEATURES + f] as number) + (prototypes[label * FEATURES + f] as number);
  writeFileSync(join(folder, "samples.npy"), npy("<f4", [ROWS, FEATURES], samples));
  writeFileSync(join(folder, "labels.npy"), npy("<i4", [ROWS], labels));
  const training = `{ steps: ${STEPS}, batch: 256, schedule: { kind: constant, lr: 0.005 }, validate_every: ${STEPS} }`;
  writeFileSync(
    join(folder, "recipe.yaml"),
    `name: many-classes
data:
  source: npy
  samples: samples.npy
  label_file: labels.npy
  split: { validation: 0.05, test: 0.2 }
teacher: { model: { kind: mlp, hidden: [64] }, training: ${training} }
student: { kind: mlp, hidden: [16] }
training: ${training}
objective: { alpha: 0.9, distillation_loss: { kind: kd, temperature: 4 } }
`,
  );
}

/** NEP 1, version 1.0. */
function npy(type: string, shape: readonly number[], data: ArrayBufferView): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = Buffer.from(`${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`);
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([head, header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}
