/** How fast a teacher's answers get into a label store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/node/package-root.js";
import { writeWorkload } from "../harness/prepare.js";
import { type Outcome, playRounds } from "../harness/rounds.js";
import type { RunnerCommand } from "../harness/runner.js";
import { lacksPython, PIP, peer, THREADS, threadVariables } from "../harness/systems.js";
import { STEP_WORKLOADS, type StepWorkload } from "../workloads.js";
import type { Absence, Measurement, Row, RowCase, RowOptions } from "./row.js";

const BATCH = 64;
/** Of one pass: enough that what a pass costs besides its samples (a label store's files, a call of `predict`) is little. */
const BATCHES = 64;
/** Float32 sums in another order, through 56 layers. */
const TOLERANCE = 1e-4;

const like = (name: string, changes: Partial<StepWorkload>): StepWorkload => ({
  ...(STEP_WORKLOADS.find((w) => w.name === name) as StepWorkload),
  batch: BATCH,
  ...changes,
});

/** Networks and samples; what they say of training is not used. */
export const LABEL_CASES: readonly StepWorkload[] = [
  like("keras-teacher", { title: "Keras tutorial teacher (256/512), 28x28x1" }),
  like("resnet20", { name: "resnet56", title: "CIFAR ResNet-56, 32x32x3", model: { kind: "resnet", depth: 56 } }),
];

interface Labeller {
  readonly name: string;
  readonly title: string;
  missing(options: RowOptions): string | null;
  command(folder: string, options: RowOptions): RunnerCommand;
}

const python = (name: string, title: string, module: string, args: readonly string[]): Labeller => ({
  name,
  title,
  missing: (options) => lacksPython(options, module),
  command: (folder, options) => ({
    command: options.python,
    args: [peer("label_runner.py"), folder, String(THREADS), ...args],
    env: threadVariables,
  }),
});

const LABELLERS: readonly Labeller[] = [
  {
    name: "limbeck",
    title: "limbeck",
    missing: () => null,
    command: (folder) => ({
      command: process.execPath,
      args: [join(packageRoot(), "build-bench", "bench", "limbeck", "label.js"), folder, String(THREADS)],
    }),
  },
  python("torch", "PyTorch, inference_mode", "torch", ["torch"]),
  python("torch-channels-last", "PyTorch, channels_last", "torch", ["torch", "--channels-last"]),
  python("keras", "Keras, TensorFlow", "keras, tensorflow", ["keras"]),
];

export const LABEL_ROW: Row = {
  name: "label",
  title: "Labelling: a teacher's answers in samples per second",
  rounds: 5,
  always: true,
  async measure(options) {
    const cases: RowCase[] = [];
    for (const workload of LABEL_CASES) cases.push(await measureCase(workload, options));
    return {
      about: [
        `The same network with the same weights labels ${BATCH * BATCHES} samples repeatedly, ${BATCH} per call, in evaluation mode.`,
        "limbeck writes a complete label store each time, including file and hashes. The other systems keep the answers",
        "in an array.",
        "Keras uses `predict` or one tf.function call per batch, whichever is faster in a short trial.",
      ],
      cases,
    };
  },
};

async function measureCase(workload: StepWorkload, options: RowOptions): Promise<RowCase> {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-label-"));
  try {
    writeWorkload(folder, workload, BATCHES);
    options.log(`label, ${workload.name}: ${workload.title}`);
    const absences: Absence[] = [];
    const able = LABELLERS.filter((l) => options.systems?.includes(l.name) ?? true).filter((l) => {
      const reason = l.missing(options);
      if (reason !== null)
        absences.push({ system: l.name, title: l.title, reason: `${reason}. To install it: ${PIP}` });
      return reason === null;
    });
    const { rounds, seconds, log } = options;
    const contestants = able.map((l) => ({ name: l.name, command: l.command(folder, options) }));
    const { outcomes, failures } = await playRounds(contestants, { rounds, seconds, log });
    const titleOf = (system: string): string => LABELLERS.find((l) => l.name === system)?.title ?? system;
    const ours = outcomes.find((o) => o.system === "limbeck");
    return {
      name: workload.name,
      title: `${workload.title}, batch ${BATCH}`,
      unit: "samples per second",
      higher: true,
      compared: { what: "answers", tolerance: TOLERANCE },
      measurements: outcomes.map((o) => measurementOf(o, titleOf(o.system), ours)),
      absences: [
        ...absences,
        ...failures.map((f) => ({ system: f.system, title: titleOf(f.system), reason: f.error })),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measurementOf(outcome: Outcome, title: string, ours: Outcome | undefined): Measurement {
  const { system, ready, milliseconds, losses, peakBytes } = outcome;
  return {
    system,
    title,
    version: ready.version,
    detail: ready.detail,
    values: milliseconds.map((ms) => (1000 * BATCH) / ms),
    difference: ours && ours !== outcome ? answerDifference(losses, ours.losses) : null,
    peakBytes,
  };
}

/** Largest difference of two sets of answers over the largest answer. */
export function answerDifference(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length || found.length === 0) return Number.POSITIVE_INFINITY;
  const most = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return found.reduce((worst, a, i) => {
    const difference = Math.abs(a - (expected[i] as number)) / most;
    // NaN must not look like agreement.
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }, 0);
}
