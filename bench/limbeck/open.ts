/** What it takes to open a workload's training: `node open.js <folder> <threads>`. */
import { createRequire } from "node:module";
import { packageVersion } from "../../src/node/package-root.js";
import type { ProgramReport } from "../harness/program.js";
import { openLoop } from "./loop.js";
import { peakMemory } from "./serve.js";

const [folder, threads] = process.argv.slice(2) as [string, string];
const { loop, seconds } = await openLoop(folder, Number(threads));
const opened = performance.now();
await loop.losses(1);
const step = (performance.now() - opened) / 1000;
await loop.dispose();
const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
const report: ProgramReport = {
  version: `limbeck ${packageVersion()}`,
  detail: `onnxruntime-node ${version}, Node ${process.versions.node}`,
  value: seconds.build + seconds.compile + seconds.open + step,
  parts: {
    "data and model, s": seconds.build,
    "compiling, s": seconds.compile,
    "worker and sessions, s": seconds.open,
    "first step, s": step,
  },
  peakBytes: peakMemory(),
};
console.log(JSON.stringify(report));
