/** Runs the real command line in a process of its own. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A command that takes longer is killed. */
const TIMEOUT_MS = 60_000;

/** The compiled build this test belongs to. */
const MAIN = join(dirname(fileURLToPath(import.meta.url)), "../../src/cli/main.js");

/** What bin/limbeck.js is to dist/. */
const launcher = temporary();
export const LAUNCHER = join(launcher.folder, "limbeck.mjs");
writeFileSync(
  LAUNCHER,
  `import { main } from ${JSON.stringify(pathToFileURL(MAIN).href)};\nawait main(process.argv.slice(2));\n`,
);
process.on("exit", launcher.remove);

/** Runs many command lines one after another in one process, and prints what each wrote where. */
const MANY = join(launcher.folder, "many.mjs");
writeFileSync(
  MANY,
  `import { readFileSync } from "node:fs";
import { main } from ${JSON.stringify(pathToFileURL(MAIN).href)};
const say = process.stdout.write.bind(process.stdout);
const outcomes = [];
for (const args of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) process[name].write = (text) => { written[name] += text; return true; };
  process.exitCode = 0;
  await main(args);
  outcomes.push({ code: process.exitCode, ...written });
}
process.exitCode = 0;
say(JSON.stringify(outcomes));
`,
);

/** The same for command lines that come one by one, as messages: [args, working folder]. */
const WARM = join(launcher.folder, "warm.mjs");
writeFileSync(
  WARM,
  `import { main } from ${JSON.stringify(pathToFileURL(MAIN).href)};
const home = process.cwd();
process.on("message", async ([args, cwd]) => {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) process[name].write = (text) => { written[name] += text; return true; };
  process.chdir(cwd ?? home);
  process.argv = [process.argv[0], ${JSON.stringify(LAUNCHER)}, ...args];
  process.exitCode = 0;
  await main(args);
  process.send({ code: process.exitCode, ...written });
});
process.on("disconnect", () => process.exit());
`,
);

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sent once stderr holds `after`. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly after: string };
}

/** `limbeck ...args`. A command that takes longer than a minute is killed and has the code null. */
export function limbeck(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return spawned([LAUNCHER, ...args], options);
}

function spawned(args: readonly string[], options: RunOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    let [stdout, stderr, sent] = ["", "", false];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (options.signal && !sent && stderr.includes(options.signal.after)) {
        sent = true;
        child.kill(options.signal.name);
      }
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ code: status, stdout, stderr }));
  });
}

/**
 * `limbeck ...args`, all in one process that is started once: starting one takes longer than most commands do. What needs
 * a signal or an environment gets a process of its own.
 */
export function warmLimbeck(): typeof limbeck {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const ask = (args: readonly string[], cwd: string | undefined): Promise<Outcome> =>
    new Promise((done, reject) => {
      child ??= fork(WARM, { execArgv: [], stdio: "ignore" });
      const host = child;
      host.ref();
      const ended = (code: number | null): void => {
        child = undefined;
        reject(new Error(`the process ended with ${code} at limbeck ${args.join(" ")}`));
      };
      host.once("exit", ended);
      const timer = setTimeout(() => host.kill("SIGKILL"), TIMEOUT_MS);
      host.once("message", (outcome: Outcome) => {
        clearTimeout(timer);
        host.off("exit", ended);
        // A process that has nothing to do must not keep the test alive; it ends with it.
        host.unref();
        host.channel?.unref();
        done(outcome);
      });
      host.channel?.ref();
      host.send([args, cwd]);
    });
  return (args, options = {}) => {
    if (options.signal || options.env) return limbeck(args, options);
    const outcome = last.then(() => ask(args, options.cwd));
    last = outcome.catch(() => undefined);
    return outcome;
  };
}

/** Many command lines in one process: starting one for each would take a minute. */
export async function limbeckMany(lines: readonly (readonly string[])[], options: RunOptions = {}): Promise<Outcome[]> {
  const list = join(launcher.folder, "lines.json");
  writeFileSync(list, JSON.stringify(lines));
  const { code, stdout, stderr } = await spawned([MANY, list], options);
  if (code !== 0) throw new Error(`the process ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Outcome[];
}

/** A temporary folder and what removes it. */
export function temporary(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-cli-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The digits with little of everything: a run takes about a second. */
export const SMALL = [
  "--set",
  "seeds=2",
  "--set",
  "variants=[]",
  "--set",
  "training.steps=150",
  "--set",
  "teacher.training.epochs=4",
  "--set",
  "evaluation.latency_runs=10",
  // More would wait for each other: other tests run beside.
  "--threads",
  "1",
];
