// Compiles everything to build/ and runs the tests with Node's own runner: `npm test [-- filter ...]`.
// The last line is "N passed, N failed[, N skipped]".
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const filters = process.argv.slice(2);
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
rmSync(join(root, "build"), { recursive: true, force: true });
const compiled = spawnSync(process.execPath, [tsc, "-p", "tsconfig.json"], { stdio: "inherit" });
if (compiled.status !== 0) {
  console.log("the tests do not compile\n0 passed, 1 failed");
  process.exit(1);
}
const files = readdirSync(join(root, "build", "test"), { recursive: true })
  .map((f) => join(root, "build", "test", String(f)))
  .filter((f) => f.endsWith(".test.js"))
  .filter((f) => filters.length === 0 || filters.some((x) => f.includes(x)))
  .sort();
withSoftwareDevice();
const counts = { pass: 0, fail: 0, skip: 0 };
const stream = run({ files, concurrency: Math.max(2, cpus().length), timeout: 600_000 });
const isFile = (data) => files.includes(data.name) || files.includes(join(root, data.name));
stream.on("test:pass", (data) => {
  if (data.details?.type === "suite") return;
  if (data.skip !== undefined || data.todo !== undefined) counts.skip++;
  else if (!isFile(data)) counts.pass++;
});
stream.on("test:fail", (data) => {
  if (data.details?.type === "suite") return;
  const error = data.details?.error;
  // A file fails as a whole when any of its tests does; it counts itself only when it never got that far.
  if (isFile(data) && error?.failureType === "subtestsFailed") return;
  counts.fail++;
  const cause = error?.cause ?? error;
  console.log(
    `FAIL ${relative(root, data.file ?? "")} > ${data.name}\n${cause?.stack ?? cause?.message ?? String(cause)}\n`,
  );
});
stream.on("test:stderr", (data) => process.stderr.write(data.message));
stream.on("end", () => {
  if (files.length === 0 || counts.pass + counts.fail === 0) {
    console.log("no test was run\n0 passed, 1 failed");
    process.exit(1);
  }
  console.log(`${counts.pass} passed, ${counts.fail} failed${counts.skip ? `, ${counts.skip} skipped` : ""}`);
  process.exit(counts.fail > 0 ? 1 : 0);
});
stream.resume();

/** Chromium brings a Vulkan driver for the CPU, which lets WebGPU be tested without a card. Read when a process starts. */
function withSoftwareDevice() {
  const folder = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"].find((f) =>
    existsSync(join(f, "vk_swiftshader_icd.json")),
  );
  if (!folder || process.env.VK_ICD_FILENAMES || process.env.VK_DRIVER_FILES) return;
  process.env.VK_ICD_FILENAMES = join(folder, "vk_swiftshader_icd.json");
  process.env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(":");
  process.env.XDG_RUNTIME_DIR ??= join(tmpdir(), "limbeck-test-runtime");
  mkdirSync(process.env.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 });
}
