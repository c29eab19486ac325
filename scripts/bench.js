// Compiles everything to build-bench/ and runs the benchmark: `npm run bench [-- --only mlp-large --rounds 5 ...]`.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
const run = (...args) => spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
const compiled = run(tsc, "-p", join(root, "tsconfig.json"), "--outDir", join(root, "build-bench"));
process.exit(compiled || run(join(root, "build-bench", "bench", "main.js"), ...process.argv.slice(2)));
