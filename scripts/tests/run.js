// Runs compiled test files, each in a process of its own, and says which tests failed and why.
import { existsSync, mkdirSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { run } from "node:test";

const FILE_TIMEOUT_MS = 600_000;

/**
 * @param files compiled test files, by absolute path
 * @param signal ends the run early, with its processes
 * @returns how many tests passed, failed and were skipped, and the milliseconds of each file
 */
export function runFiles(files, signal) {
  withSoftwareDevice();
  const counts = { pass: 0, fail: 0, skip: 0 };
  const times = new Map();
  const root = process.cwd();
  const known = new Set(files);
  // Some versions of Node name a file by its path from the working directory.
  const isFile = ({ name, nesting }) => nesting === 0 && known.has(resolve(name));
  const stream = run({ files, concurrency: Math.max(2, cpus().length), timeout: FILE_TIMEOUT_MS, signal });
  stream.on("test:complete", (data) => {
    if (isFile(data)) times.set(resolve(data.name), data.details.duration_ms);
  });
  stream.on("test:pass", (data) => {
    if (data.details?.type === "suite") return;
    if (data.skip !== undefined || data.todo !== undefined) counts.skip++;
    else if (!isFile(data)) counts.pass++;
  });
  stream.on("test:fail", (data) => {
    if (data.details?.type === "suite" || signal?.aborted) return;
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
  const ended = new Promise((done, reject) => {
    stream.on("end", () => done({ counts, times }));
    stream.on("error", reject);
  });
  stream.resume();
  return ended;
}

/** The last line of a run. */
export function summaryOf({ pass, fail, skip }) {
  return `${pass} passed, ${fail} failed${skip ? `, ${skip} skipped` : ""}`;
}

/** The files that took longest, with their share of all: they run side by side, so the sum is more than the wait. */
export function slowestLines(times, most) {
  if (most === 0) return [];
  const all = [...times].sort(([, a], [, b]) => b - a);
  const sum = all.reduce((total, [, ms]) => total + ms, 0);
  const rows = all.slice(0, most).map(([file, ms]) => {
    const path = relative(process.cwd(), file).split(sep).join("/");
    const source = path.replace(/^build\//, "").replace(/\.js$/, ".ts");
    return `${seconds(ms)}  ${((100 * ms) / sum).toFixed(1).padStart(5)} %  ${source}`;
  });
  return [`slowest of ${all.length} test files`, ...rows, `${seconds(sum)}  in all, some of them at once`];
}

const seconds = (ms) => `${(ms / 1000).toFixed(1).padStart(7)} s`;

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
