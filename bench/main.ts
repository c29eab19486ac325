/** `npm run bench`: see bench/README.md. */
import "../src/run/entries.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { makeFolder, writeFileAtomic } from "../src/node/atomic.js";
import { packageRoot } from "../src/node/package-root.js";
import { growthPlot } from "./harness/growth-plot.js";
import { performancePlot } from "./harness/plot.js";
import { writeWorkload } from "./harness/prepare.js";
import { compareResults, performancePage, resultLines } from "./harness/report.js";
import {
  commitOf,
  covers,
  describeMachine,
  loadResults,
  loadRows,
  type StepResult,
  saveResult,
  saveRow,
} from "./harness/results.js";
import { playRounds } from "./harness/rounds.js";
import { rowLines } from "./harness/row-report.js";
import { pythonFor, SYSTEMS, type System, THREADS } from "./harness/systems.js";
import { profileWorkload } from "./limbeck/profile.js";
import type { Row, RowResult } from "./rows/row.js";
import { ROWS } from "./rows/rows.js";
import { STEP_WORKLOADS, type StepWorkload } from "./workloads.js";

interface Options {
  readonly only?: string[];
  readonly systems?: string[];
  readonly rounds?: number;
  readonly seconds: number;
  readonly python?: string;
  readonly growth: boolean;
  readonly fresh: boolean;
  readonly keep: boolean;
  readonly report: boolean;
  readonly profile: boolean;
  readonly top: number;
}

const list = (text: string): string[] => text.split(",");
const number = (text: string): number => Number(text);
const log = (line: string): void => console.log(line);

/** Turns of a step workload unless said otherwise. */
const ROUNDS = 5;
const NAMES = [...STEP_WORKLOADS, ...ROWS].map((w) => w.name);

const options = new Command("bench")
  .description(
    "Measures limbeck's training step beside others'. Finished workloads are kept: an interrupted run goes on.",
  )
  .option("--only <names>", `workloads and rows, separated by commas: ${NAMES.join(", ")}`, list)
  .option("--systems <names>", `systems, separated by commas: ${SYSTEMS.map((s) => s.name).join(", ")}`, list)
  .option("--rounds <n>", "turns of every system; default 5, less for long rows", number)
  .option("--seconds <s>", "length of a turn", number, 2)
  .option("--python <path>", "Python with the peers installed; default LIMBECK_BENCH_PYTHON, venv/bin/python, python3")
  .option("--growth", "how cost grows: the same as --only growth", false)
  .option("--fresh", "measure again what has a result", false)
  .option("--no-keep", "write no result: to try something")
  .option("--report", "only write docs/performance.md from the results", false)
  .option("--profile", "where limbeck's step spends its time, instead of a comparison", false)
  .option("--top <n>", "nodes a profile lists", number, 25)
  .parse()
  .opts<Options>();
const only = options.growth ? [...(options.only ?? []), "growth"] : options.only;

const python = pythonFor(options.python);
const named = chosen([...STEP_WORKLOADS, ...ROWS], only, "workload");
const workloads = STEP_WORKLOADS.filter((w) => named.includes(w));
const rows = ROWS.filter((r) => named.includes(r) && (r.always || only !== undefined));
if (options.report) await report();
else if (options.profile) for (const workload of workloads) await withFolder(workload, profile);
else await measureAll();

/** Those named, or all; a name that is none ends the run. */
function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: string[] | undefined,
  what: string,
): T[] {
  const unknown = names?.find((n) => !all.some((w) => w.name === n));
  if (unknown === undefined) return all.filter((w) => names?.includes(w.name) ?? true);
  console.error(`no ${what} "${unknown}"; there are ${all.map((w) => w.name).join(", ")}`);
  process.exit(1);
}

async function measureAll(): Promise<void> {
  const { rounds = ROUNDS, seconds } = options;
  const systems = (workloads.length === 0 ? [] : chosen(SYSTEMS, options.systems, "system")).filter((system) => {
    const missing = system.missing({ python });
    if (missing !== null) log(`${system.title} is not measured: ${missing}. To install it: ${system.install}`);
    return missing === null;
  });
  for (const workload of workloads) {
    const able = systems.filter((s) => s.refuses(workload) === null);
    const [known] = loadResults([workload.name]);
    if (
      known &&
      !options.fresh &&
      options.keep &&
      covers(known, { rounds, seconds, systems: able.map((s) => s.name) })
    ) {
      log(`${workload.name}: kept from ${known.date} (commit ${known.commit ?? "unknown"}); --fresh measures it again`);
      continue;
    }
    await withFolder(workload, (w, folder) => measure(w, folder, able));
  }
  for (const row of rows) await measureRow(row);
  if (options.keep) await report();
}

async function measure(workload: StepWorkload, folder: string, systems: readonly System[]): Promise<void> {
  const { describe, parameterCount } = writeWorkload(folder, workload);
  log(`${workload.name}: ${workload.title}`);
  const contestants = systems.map((s) => ({ name: s.name, command: s.command(folder, { python }) }));
  const { rounds = ROUNDS, seconds } = options;
  const played = await playRounds(contestants, { rounds, seconds, log });
  const result: StepResult = {
    workload: workload.name,
    title: workload.title,
    describe,
    parameters: parameterCount,
    date: new Date().toISOString(),
    commit: commitOf(),
    machine: describeMachine(),
    threads: THREADS,
    rounds,
    seconds,
    ...played,
  };
  for (const line of resultLines(result)) log(line);
  if (options.keep) await saveResult(result);
}

async function measureRow(row: Row): Promise<void> {
  const { seconds, systems } = options;
  const rounds = options.rounds ?? row.rounds;
  const [known] = loadRows([row.name]);
  if (known && !options.fresh && options.keep && known.rounds === rounds && known.seconds === seconds) {
    log(`${row.name}: kept from ${known.date} (commit ${known.commit ?? "unknown"}); --fresh measures it again`);
    return;
  }
  const measured = await row.measure({ rounds, seconds, python, systems, log });
  const result: RowResult = {
    row: row.name,
    title: row.title,
    ...measured,
    date: new Date().toISOString(),
    commit: commitOf(),
    machine: describeMachine(),
    threads: THREADS,
    rounds,
    seconds,
    command: `npm run bench -- --fresh --only ${row.name}${options.rounds ? ` --rounds ${rounds}` : ""}`,
  };
  for (const line of rowLines(result)) log(line);
  if (options.keep) await saveRow(result);
}

async function profile(workload: StepWorkload, folder: string): Promise<void> {
  const { describe } = writeWorkload(folder, workload);
  log(`${workload.name}: ${workload.title} (${describe})`);
  log(await profileWorkload(folder, THREADS, options.seconds, options.top));
}

async function report(): Promise<void> {
  const results = loadResults(STEP_WORKLOADS.map((w) => w.name));
  const others = loadRows(ROWS.map((r) => r.name));
  const docs = join(packageRoot(), "docs");
  makeFolder(join(docs, "images"));
  await writeFileAtomic(join(docs, "images", "performance.svg"), performancePlot(compareResults(results)));
  for (const { row, curves } of others)
    if (curves) await writeFileAtomic(join(docs, "images", `${row}.svg`), growthPlot(curves));
  await writeFileAtomic(join(docs, "performance.md"), performancePage(results, NAMES, others));
  log(`docs/performance.md: ${results.length + others.length} of ${NAMES.length} workloads and rows`);
}

async function withFolder<T extends { readonly name: string }>(
  workload: T,
  work: (workload: T, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `limbeck-bench-${workload.name}-`));
  try {
    await work(workload, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
