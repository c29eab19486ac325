/**
 * A recipe run as the command line runs it, with a clock: `node distill.js <recipe> <out> <threads> <seed>`.
 * All that `limbeck distill` loads is loaded too.
 */
import "../../src/cli/main.js";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageVersion } from "../../src/node/package-root.js";
import { loadRecipe } from "../../src/run/recipe/load.js";
import { distill } from "../../src/run/strategies/distill.js";
import type { RunEvent } from "../../src/run/folder/events.js";
import { readLabelStore } from "../../src/learn/teacher/store/store.js";
import type { ProgramReport } from "../harness/program.js";
import { peakMemory } from "./serve.js";

/** Samples whose answers are compared. */
const COMPARED = 64;

const [file, out, threads, seed] = process.argv.slice(2) as [string, string, string, string];
const marks = { labelled: 0, trained: 0 };
/** Seconds since the process started. */
const now = (): number => performance.now() / 1000;

function onEvent(event: RunEvent): void {
  if (event.kind === "labelling") {
    marks.labelled = now();
  } else if (event.kind === "training") marks.trained = now();
}

const { recipe, folder } = loadRecipe(file, [`seed=${seed}`]);
const { summary, directory } = await distill(recipe, { out, folder, threads: Number(threads), onEvent });
const stores = join(directory, "label-stores");
const store = readLabelStore(join(stores, readdirSync(stores)[0] as string), null);
const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
const student = summary.models.find((m) => m.role === "student");
const report: ProgramReport = {
  version: `limbeck ${packageVersion()}`,
  detail: `onnxruntime-node ${version}, Node ${process.versions.node}`,
  parts: {
    "start and labelling, s": marks.labelled,
    "training, s": marks.trained - marks.labelled,
    "evaluating and writing, s": now() - marks.trained,
    "test accuracy, %": 100 * (student?.seeds[0]?.accuracy ?? Number.NaN),
  },
  compared: Array.from(store.outputs.subarray(0, COMPARED * store.header.classes.length)),
  peakBytes: peakMemory(),
};
console.log(JSON.stringify(report));
