/** Training steps in a page of headless Chromium. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/node/package-root.js";
import { findChromium } from "../browser/chromium.js";
import { writeWorkload } from "../harness/prepare.js";
import { LOSS_TOLERANCE } from "../harness/report.js";
import { playRounds } from "../harness/rounds.js";
import { lossDifference } from "../harness/statistics.js";
import { peer, THREADS } from "../harness/systems.js";
import { STEP_WORKLOADS, type StepWorkload } from "../workloads.js";
import type { Absence, Row, RowCase, RowOptions } from "./row.js";

interface PageSystem {
  readonly name: string;
  readonly title: string;
  /** What bench/browser/step.ts is asked for. */
  readonly page: string;
  /** Only on workloads that the wasm backend cannot do. */
  readonly substitute: boolean;
}

const SYSTEMS: readonly PageSystem[] = [
  { name: "limbeck", title: "limbeck/web, wasm", page: "limbeck", substitute: false },
  { name: "tfjs", title: "TensorFlow.js, wasm", page: "wasm", substitute: false },
  { name: "tfjs-cpu", title: "TensorFlow.js, plain JavaScript", page: "cpu", substitute: true },
  { name: "tfjs-webgl", title: "TensorFlow.js, WebGL", page: "webgl", substitute: true },
];

/** What the row measures, and whether TensorFlow.js's wasm backend can train it. */
const WORKLOADS: readonly { readonly name: string; readonly wasm: boolean }[] = [
  { name: "mlp-large", wasm: true },
  { name: "keras-student", wasm: false },
];

export const BROWSER_ROW: Row = {
  name: "browser",
  title: `A training step in a page of headless Chromium, ${THREADS} threads of wasm`,
  rounds: 5,
  always: true,
  async measure(options) {
    if (!findChromium()) throw new Error("no Chromium found; set CHROME_PATH");
    const cases: RowCase[] = [];
    for (const { name, wasm } of WORKLOADS) {
      const workload = STEP_WORKLOADS.find((w) => w.name === name) as StepWorkload;
      cases.push(await measureCase(workload, wasm, options));
    }
    return { about: ABOUT, cases };
  },
};

const ABOUT = [
  "Each system runs in its own Chromium, on a cross-origin isolated page. Weights, batches and objective are",
  "those of the workload of the same name. If TensorFlow.js's wasm backend cannot train a workload, its other",
  "backends are measured. On a machine without a graphics card, WebGL is a software renderer; its figures say",
  "nothing about real cards.",
];

async function measureCase(workload: StepWorkload, wasm: boolean, options: RowOptions): Promise<RowCase> {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-page-"));
  try {
    writeWorkload(folder, workload);
    options.log(`browser, ${workload.name}: ${workload.title}`);
    const peers = existsSync(peer(join("node_modules", "@tensorflow", "tfjs")));
    const wanted = SYSTEMS.filter((s) => (!s.substitute || !wasm) && (options.systems?.includes(s.name) ?? true));
    const absences: Absence[] = wanted
      .filter((s) => s.page !== "limbeck" && !peers)
      .map(({ name, title }) => ({ system: name, title, reason: "not installed: npm ci --prefix bench/peers" }));
    const script = join(packageRoot(), "build-bench", "bench", "browser", "step.js");
    const contestants = wanted
      .filter((s) => s.page === "limbeck" || peers)
      .map((s) => ({
        name: s.name,
        command: { command: process.execPath, args: [script, folder, String(THREADS), s.page] },
      }));
    const { rounds, seconds, log } = options;
    const { outcomes, failures } = await playRounds(contestants, { rounds, seconds, log });
    const titleOf = (system: string): string => SYSTEMS.find((s) => s.name === system)?.title ?? system;
    const ours = outcomes.find((o) => o.system === "limbeck");
    return {
      name: workload.name,
      title: workload.title,
      unit: "ms per step",
      higher: false,
      compared: { what: "losses", tolerance: LOSS_TOLERANCE },
      measurements: outcomes.map((o) => ({
        system: o.system,
        title: titleOf(o.system),
        version: o.ready.version,
        detail: o.ready.detail,
        values: o.milliseconds,
        difference: ours && ours !== o ? lossDifference(o.losses, ours.losses) : null,
        // What a Chromium takes is no figure of the page's.
        peakBytes: null,
      })),
      absences: [
        ...absences,
        ...failures.map((f) => ({ system: f.system, title: titleOf(f.system), reason: f.error })),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
