/**
 * A run on data of many classes, with a clock: `node many-classes.js <folder> <again> <threads>`. The folder holds recipe.yaml;
 * with "again" what was trained and labelled is there, and only evaluating and writing is left.
 */
import "../../src/cli/main.js";
import { statSync } from "node:fs";
import { join } from "node:path";
import { packageVersion } from "../../src/node/package-root.js";
import { loadRecipe } from "../../src/run/recipe/load.js";
import { distill } from "../../src/run/strategies/distill.js";
import type { ProgramReport } from "../harness/program.js";
import { peakMemory } from "./serve.js";

const [folder, again, threads] = process.argv.slice(2) as [string, string, string];
const out = join(folder, "run");
const { recipe } = loadRecipe(join(folder, "recipe.yaml"));
const where = again === "again" ? { resume: out } : { out };
await distill(recipe, { ...where, folder, threads: Number(threads), jobs: 1 });
// Of all threads: other programs on the machine do not count.
const { user, system } = process.cpuUsage();
const size = (name: string): number => statSync(join(out, name)).size / 1024;
const report: ProgramReport = {
  version: `limbeck ${packageVersion()}`,
  detail: `Node ${process.versions.node}`,
  value: (user + system) / 1e6,
  parts: { "summary.json, KiB": size("summary.json"), "report.html, KiB": size("report.html") },
  peakBytes: peakMemory(),
};
console.log(JSON.stringify(report));
