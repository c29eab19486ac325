/** `npm run bench`: see bench/README.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { writeWorkload } from "./harness/prepare.js";
import { playRounds } from "./harness/rounds.js";
import { lossDifference, median, pairedRatio } from "./harness/statistics.js";
import { pythonFor, SYSTEMS, THREADS } from "./harness/systems.js";
import { profileWorkload } from "./limbeck/profile.js";
import { STEP_WORKLOADS } from "./workloads.js";

interface Options {
  readonly only?: string[];
  readonly systems?: string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly python?: string;
  readonly profile: boolean;
  readonly top: number;
}

const list = (text: string): string[] => text.split(",");
const number = (text: string): number => Number(text);

const options = new Command("bench")
  .option("--only <names>", "workloads, separated by commas", list)
  .option("--systems <names>", "systems, separated by commas", list)
  .option("--rounds <n>", "turns of every system", number, 5)
  .option("--seconds <s>", "length of a turn", number, 2)
  .option("--python <path>", "Python with the peers installed")
  .option("--profile", "where limbeck's step spends its time, instead of a comparison", false)
  .option("--top <n>", "nodes a profile lists", number, 25)
  .parse()
  .opts<Options>();

const log = (line: string): void => console.log(line);
const workloads = STEP_WORKLOADS.filter((w) => options.only?.includes(w.name) ?? true);
const python = pythonFor(options.python);
const systems = SYSTEMS.filter((s) => options.systems?.includes(s.name) ?? true).filter((system) => {
  const missing = options.profile ? null : system.missing({ python });
  if (missing !== null) log(`${system.title} is not measured: ${missing}. To install it: ${system.install}`);
  return missing === null;
});

for (const workload of workloads) {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-"));
  try {
    const { describe, parameterCount } = writeWorkload(folder, workload);
    log(`${workload.name}: ${workload.title} (${describe}, ${parameterCount} parameters)`);
    if (options.profile) {
      log(await profileWorkload(folder, THREADS, options.seconds, options.top));
      continue;
    }
    const contestants = systems.map((s) => ({ name: s.name, command: s.command(folder, { python }) }));
    const { outcomes } = await playRounds(contestants, { ...options, log });
    const ours = outcomes.find((o) => o.system === "limbeck");
    for (const o of outcomes) {
      const ratio = ours && o !== ours ? pairedRatio(o.milliseconds, ours.milliseconds).median.toFixed(2) : "1.00";
      const loss = ours ? lossDifference(o.losses, ours.losses).toExponential(1) : "-";
      const peak = o.peakBytes ? `${(o.peakBytes / 2 ** 20).toFixed(0)} MiB` : "-";
      log(
        `  ${o.system.padEnd(14)} ${median(o.milliseconds).toFixed(3)} ms, x${ratio}, losses off by ${loss}, ${peak}`,
      );
      log(`    losses ${o.losses.map((l) => l.toFixed(5)).join(" ")}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
