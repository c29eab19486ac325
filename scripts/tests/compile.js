// From the sources to build/. What has no source any more is removed, so no test of yesterday runs.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";

/** The folders that tsconfig.json includes. */
export const SOURCE_FOLDERS = ["src", "test", "bench"];
const BUILD = "build";
/** What the compiler remembers of its last run; it lies in build/, so that both go together. */
const MEMORY = join(BUILD, ".tsbuildinfo");

/** Compiles everything, or what changed. @returns whether it compiled; the compiler has said why not */
export function compileTests({ clean }) {
  if (clean) rmSync(BUILD, { recursive: true, force: true });
  else removeStaleOutputs();
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  const memory = ["--incremental", "--tsBuildInfoFile", MEMORY];
  return spawnSync(process.execPath, [tsc, "-p", "tsconfig.json", ...memory], { stdio: "inherit" }).status === 0;
}

/** Removes outputs without a source. Where an output is missing, the compiler is made to forget, for it would not write it again. */
export function removeStaleOutputs() {
  for (const folder of SOURCE_FOLDERS) {
    const sources = new Set(stemsOf(folder, /(?<!\.d)\.ts$/));
    const outputs = new Set(stemsOf(join(BUILD, folder), /\.js$/));
    for (const stem of outputs) {
      if (sources.has(stem)) continue;
      for (const end of [".js", ".js.map"]) rmSync(join(BUILD, folder, stem + end), { force: true });
    }
    if ([...sources].some((stem) => !outputs.has(stem))) rmSync(MEMORY, { force: true });
  }
}

/** Paths below a folder that end so, without the end, with forward slashes. */
export function stemsOf(folder, end) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((name) => String(name).split(sep).join("/"))
    .filter((name) => end.test(name))
    .map((name) => name.replace(end, ""));
}
