/** How long it takes until something is trained. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/node/package-root.js";
import { writeWorkload } from "../harness/prepare.js";
import { lacksPython, PIP, peer, THREADS, threadVariables } from "../harness/systems.js";
import { STEP_WORKLOADS } from "../workloads.js";
import { type ProgramSystem, playPrograms } from "./programs.js";
import type { Row, RowCase, RowOptions } from "./row.js";

const compiled = (file: string): string => join(packageRoot(), "build-bench", "bench", "limbeck", file);

export const COLD_START_ROW: Row = {
  name: "cold-start",
  title: "Seconds from the start of the process to the first training step",
  rounds: 5,
  always: true,
  async measure(options) {
    const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-cold-"));
    try {
      return { about: ABOUT, cases: [await digits(folder, options), await opening(folder, options)] };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const ABOUT = [
  "- digits: time until `limbeck distill` first reports training. This covers code, recipe, data, checks, run",
  "  folder, compiled step and worker. limbeck reports after a few steps; the table shows how many. PyTorch and",
  "  Keras read the same file and make one step of the same network.",
  "- opening: time to read the data, build and compile the graph, start the worker and its sessions, and make the",
  "  first step. The start of Node is not included.",
];

function digits(folder: string, options: RowOptions): Promise<RowCase> {
  const title = "digits, the teacher 64-256-256-10, batch 32";
  return playPrograms(systems(folder), { name: "digits", title, compared: null }, options);
}

function systems(folder: string): ProgramSystem[] {
  const python = (name: string, title: string, module: string): ProgramSystem => ({
    name,
    title,
    missing(options) {
      const reason = lacksPython(options, module);
      return reason && `${reason}. To install it: ${PIP}`;
    },
    command: (_, options) => ({
      command: options.python,
      args: [peer("cold_start.py"), join(packageRoot(), "data", "digits.csv.gz"), String(THREADS), name],
      env: threadVariables,
    }),
  });
  const recipe = join(packageRoot(), "recipes", "digits.yaml");
  return [
    {
      name: "limbeck",
      title: "limbeck distill",
      missing: () => null,
      command: (round) => ({
        command: process.execPath,
        args: [compiled("first-step.js"), recipe, join(folder, `run-${round}`), String(THREADS)],
      }),
    },
    python("torch", "PyTorch", "torch"),
    python("keras", "Keras, TensorFlow", "keras, tensorflow"),
  ];
}

/** limbeck alone, one line a workload. */
function opening(folder: string, options: RowOptions): Promise<RowCase> {
  const workloads = STEP_WORKLOADS.map((workload): ProgramSystem => {
    const at = join(folder, workload.name);
    writeWorkload(at, workload, 1);
    return {
      name: workload.name,
      title: workload.name,
      missing: () => null,
      command: () => ({ command: process.execPath, args: [compiled("open.js"), at, String(THREADS)] }),
    };
  });
  const title = "limbeck: opening a workload's training and making the first step";
  return playPrograms(workloads, { name: "opening", title, compared: null }, { ...options, systems: undefined });
}
