/** How cost grows: a step's time along width, depth, batch and classes; an epoch's time and memory along the data. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import type { ModelSpec } from "../../src/engine/models/registry.js";
import { packageRoot } from "../../src/node/package-root.js";
import { writeWorkload } from "../harness/prepare.js";
import { LOSS_TOLERANCE } from "../harness/report.js";
import { playRounds } from "../harness/rounds.js";
import { lossDifference, median } from "../harness/statistics.js";
import { lacksPython, peer, SYSTEMS, THREADS, threadVariables } from "../harness/systems.js";
import { STEP_WORKLOADS, type StepWorkload } from "../workloads.js";
import { type ProgramSystem, playPrograms } from "./programs.js";
import type { Curve, Row, RowOptions } from "./row.js";

/** A family of workloads that differ in one number. */
interface Sweep {
  readonly chart: string;
  readonly x: string;
  readonly values: readonly number[];
  readonly systems: readonly string[];
  workload(value: number): StepWorkload;
}

const base = (name: string, changes: Partial<StepWorkload>): StepWorkload => ({
  ...(STEP_WORKLOADS.find((w) => w.name === name) as StepWorkload),
  ...changes,
});
const mlp = (hidden: readonly number[], changes: Partial<StepWorkload> = {}): StepWorkload =>
  base("mlp-large", { model: { kind: "mlp", hidden } as ModelSpec, ...changes });
const resnet = (depth: number, width: number, changes: Partial<StepWorkload> = {}): StepWorkload =>
  base("resnet20", { model: { kind: "resnet", depth, width } as ModelSpec, batch: 64, lr: 0.005, ...changes });

const DENSE = ["limbeck", "torch"];
const IMAGES = ["limbeck", "torch-channels-last"];

const SWEEPS: readonly Sweep[] = [
  {
    chart: "mlp, width",
    x: "units of two hidden layers, batch 128",
    values: [64, 128, 256, 512, 1024, 2048],
    systems: DENSE,
    workload: (w) => mlp([w, w]),
  },
  {
    chart: "mlp, depth",
    x: "hidden layers of 256 units, batch 128",
    values: [1, 2, 4, 8, 16],
    systems: DENSE,
    workload: (d) => mlp(Array.from({ length: d }, () => 256)),
  },
  {
    chart: "mlp, batch",
    x: "samples per step, two layers of 256",
    values: [16, 32, 64, 128, 256, 512, 1024, 2048],
    systems: DENSE,
    workload: (batch) => mlp([256, 256], { batch }),
  },
  {
    chart: "mlp, classes",
    x: "classes, two layers of 256, batch 128",
    values: [10, 100, 1000, 10000],
    systems: DENSE,
    workload: (classes) => mlp([256, 256], { classes }),
  },
  {
    chart: "cnn, width",
    x: "width of a CIFAR ResNet-8, batch 64",
    values: [1, 2, 4],
    systems: IMAGES,
    workload: (w) => resnet(8, w),
  },
  {
    chart: "cnn, depth",
    x: "depth of a CIFAR ResNet, batch 64",
    values: [8, 14, 20, 32, 44],
    systems: IMAGES,
    workload: (d) => resnet(d, 1),
  },
  {
    chart: "cnn, batch",
    x: "samples per step, CIFAR ResNet-8",
    values: [16, 32, 64, 128, 256],
    systems: IMAGES,
    workload: (batch) => resnet(8, 1, { batch }),
  },
  {
    chart: "cnn, classes",
    x: "classes, CIFAR ResNet-8, batch 64",
    values: [10, 100, 1000],
    systems: IMAGES,
    workload: (classes) => resnet(8, 1, { classes }),
  },
];

const SAMPLES = [1e4, 1e5, 1e6, 3e6, 1e7];
/** Batches of a step workload's data: the five steps whose losses are compared, and no more, so that large batches fit the disk. */
const BATCHES = 5;

export const GROWTH_ROW: Row = {
  name: "growth",
  title: "How cost grows",
  rounds: 3,
  always: false,
  async measure(options) {
    const notes: string[] = [];
    const curves: Curve[] = [];
    for (const sweep of SWEEPS) curves.push(...(await sweepCurves(sweep, options, notes)));
    const data = await dataCurves(options, notes);
    curves.push(...data.curves);
    return { about: [...ABOUT, ...data.about, ...notes.map((n) => `\n${n}`)], cases: [], curves };
  },
};

const ABOUT = [
  "Medians over the rounds. Steps distil from cached logits, as in the workloads mlp-large and resnet20 above.",
  "One number changes at a time.",
  "An epoch covers synthetic samples of 32 features in memory, with cached logits of ten classes: 32-64-64-10,",
  "batch 512, Adam.",
];

async function sweepCurves(sweep: Sweep, options: RowOptions, notes: string[]): Promise<Curve[]> {
  const found = new Map<string, { version: string; points: { x: number; y: number }[] }>();
  const systems = SYSTEMS.filter(
    (s) => sweep.systems.includes(s.name) && (options.systems?.includes(s.name) ?? true),
  ).filter((s) => s.missing(options) === null);
  for (const value of sweep.values) {
    const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-growth-"));
    try {
      writeWorkload(folder, sweep.workload(value), BATCHES);
      options.log(`growth, ${sweep.chart}: ${value}`);
      const contestants = systems.map((s) => ({ name: s.name, command: s.command(folder, options) }));
      const { outcomes, failures } = await playRounds(contestants, options);
      for (const f of failures) notes.push(`${sweep.chart} ${value}: ${f.system} failed: ${f.error.split("\n").pop()}`);
      const ours = outcomes.find((o) => o.system === "limbeck");
      for (const o of outcomes) {
        const entry = found.get(o.system) ?? { version: o.ready.version, points: [] };
        found.set(o.system, entry);
        entry.points.push({ x: value, y: median(o.milliseconds) });
        const far = ours ? lossDifference(o.losses, ours.losses) : 0;
        if (far > LOSS_TOLERANCE)
          notes.push(
            `${sweep.chart} ${value}: ${o.system}'s first losses differ by ${far.toExponential(1)} from limbeck's`,
          );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return systems.flatMap((s) => {
    const entry = found.get(s.name);
    return entry ? [{ chart: sweep.chart, system: s.title, x: sweep.x, y: "ms per step", ...entry }] : [];
  });
}

async function dataCurves(options: RowOptions, notes: string[]): Promise<{ curves: Curve[]; about: string[] }> {
  const most = Number(process.env.LIMBECK_BENCH_MOST_SAMPLES ?? Number.POSITIVE_INFINITY);
  const time = new Map<string, Curve & { points: { x: number; y: number }[] }>();
  const memory = new Map<string, Curve & { points: { x: number; y: number }[] }>();
  const x = "samples of 32 features";
  for (const samples of SAMPLES.filter((s) => s <= most)) {
    options.log(`growth, data: ${samples} samples`);
    const text = { name: String(samples), title: "", compared: null };
    const { measurements, absences } = await playPrograms(epochSystems(samples), text, options);
    for (const a of absences) notes.push(`${samples} samples: ${a.title}: ${a.reason.split("\n").pop()}`);
    for (const { title: system, version, values, peakBytes } of measurements) {
      const start = { system, version, x };
      const epoch = time.get(system) ?? { ...start, chart: "data, time", y: "s per epoch", points: [] };
      const peak = memory.get(system) ?? { ...start, chart: "data, memory", y: "peak MiB", points: [] };
      time.set(system, epoch);
      memory.set(system, peak);
      epoch.points.push({ x: samples, y: median(values) });
      peak.points.push({ x: samples, y: (peakBytes ?? Number.NaN) / 2 ** 20 });
    }
  }
  const about = [...memory.values()].flatMap(({ system, points }) => memoryEnd(system, points));
  return { curves: [...time.values(), ...memory.values()], about };
}

/** What a sample costs, from the smallest to the largest data set, and where this machine's memory ends at that price. */
export function memoryEnd(system: string, points: readonly { readonly x: number; readonly y: number }[]): string[] {
  const [first, last] = [points[0], points[points.length - 1]];
  if (!first || !last || last.x <= first.x) return [];
  const bytes = ((last.y - first.y) * 2 ** 20) / (last.x - first.x);
  if (bytes <= 0) return [];
  const end = (totalmem() - first.y * 2 ** 20) / bytes;
  const millions = Number((end / 1e6).toPrecision(2));
  return [
    `${system} takes ${bytes.toFixed(0)} bytes per sample (the sample and its logits are ${4 * (32 + 10)}), so ${(totalmem() / 2 ** 30).toFixed(0)} GiB last for about ${millions} million samples.`,
  ];
}

function epochSystems(samples: number): ProgramSystem[] {
  const given = [String(samples), String(THREADS)];
  return [
    {
      name: "limbeck",
      title: "limbeck",
      missing: () => null,
      command: () => ({
        command: process.execPath,
        args: [join(packageRoot(), "build-bench", "bench", "limbeck", "epoch.js"), ...given],
      }),
    },
    {
      name: "torch",
      title: "PyTorch",
      missing: (options) => lacksPython(options, "torch"),
      command: (_, { python }) => ({ command: python, args: [peer("epoch_torch.py"), ...given], env: threadVariables }),
    },
  ];
}
