/**
 * How long a user waits for the first training step: `node first-step.js <recipe> <out> <threads>`.
 * The recipe runs as `limbeck distill` runs it, with all that it loads, and is interrupted at its first sign of training.
 */
import "../../src/cli/main.js";
import { createRequire } from "node:module";
import { packageVersion } from "../../src/node/package-root.js";
import { loadRecipe } from "../../src/run/recipe/load.js";
import { distill } from "../../src/run/strategies/distill.js";
import type { ProgramReport } from "../harness/program.js";
import { peakMemory } from "./serve.js";

const [file, out, threads] = process.argv.slice(2) as [string, string, string];
/** Seconds since the process started. */
const now = (): number => performance.now() / 1000;
const loaded = now();
const { recipe, folder } = loadRecipe(file, []);
const stop = new AbortController();
let first: { readonly seconds: number; readonly steps: number } | undefined;
await distill(recipe, {
  out,
  folder,
  threads: Number(threads),
  signal: stop.signal,
  onEvent(event) {
    if (event.kind !== "training" || first) return;
    first = { seconds: now(), steps: event.progress.step };
    stop.abort();
  },
}).catch((error: Error) => {
  if (error.name !== "InterruptedError") throw error;
});
if (!first) throw new Error("no training was seen");
const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
const report: ProgramReport = {
  version: `limbeck ${packageVersion()}`,
  detail: `onnxruntime-node ${version}, Node ${process.versions.node}`,
  value: first.seconds,
  parts: { "loading code, s": loaded, "steps at first report": first.steps },
  peakBytes: peakMemory(),
};
console.log(JSON.stringify(report));
