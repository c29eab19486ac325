/** The systems that are compared: how each is started, whether it is there, and how to install it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/node/package-root.js";
import type { StepWorkload } from "../workloads.js";
import type { RunnerCommand } from "./runner.js";

/** Threads every system may use. */
export const THREADS = 2;

export interface SystemOptions {
  /** Python with the peers' packages. */
  readonly python: string;
}

export interface System {
  readonly name: string;
  /** In tables: "PyTorch". */
  readonly title: string;
  /** What to do when it is missing. */
  readonly install: string;
  /** Null when it can run, else what is missing. */
  missing(options: SystemOptions): string | null;
  /** Null when it can do the workload, else why it cannot. */
  refuses(workload: StepWorkload): string | null;
  command(folder: string, options: SystemOptions): RunnerCommand;
}

export const PIP =
  "python3 -m venv venv && venv/bin/pip install -r bench/peers/requirements.txt, then --python venv/bin/python";

/** A file of bench/ in the sources: peers are not compiled. */
export const peer = (file: string): string => join(packageRoot(), "bench", "peers", file);
export const threadVariables = { OMP_NUM_THREADS: String(THREADS), MKL_NUM_THREADS: String(THREADS) };

export function lacksPython(options: SystemOptions, module: string): string | null {
  const { status, stderr, error } = spawnSync(options.python, ["-c", `import ${module}`], { encoding: "utf8" });
  if (status === 0) return null;
  return error ? `${options.python} does not run (${error.message})` : (stderr.trim().split("\n").pop() ?? "");
}

const limbeck: System = {
  name: "limbeck",
  title: "limbeck",
  install: "npm ci",
  missing: () => null,
  refuses: () => null,
  command: (folder) => ({
    command: process.execPath,
    args: [join(packageRoot(), "build-bench", "bench", "limbeck", "step.js"), folder, String(THREADS)],
  }),
};

const onImages = (workload: StepWorkload): string | null =>
  workload.inputShape.length === 3 ? null : "its samples are no images";

const torch = (
  name: string,
  title: string,
  flags: readonly string[],
  refuses: System["refuses"] = () => null,
): System => ({
  name,
  title,
  install: PIP,
  missing: (options) => lacksPython(options, "torch"),
  refuses,
  command: (folder, { python }) => ({
    command: python,
    args: [peer("torch_runner.py"), folder, String(THREADS), ...flags],
    env: threadVariables,
  }),
});

const keras: System = {
  name: "keras",
  title: "Keras, TensorFlow",
  install: PIP,
  missing: (options) => lacksPython(options, "keras, tensorflow"),
  refuses: ({ model }) =>
    model.kind === "mlp" || model.kind === "preset" ? null : "written for the dense networks and Keras's own tutorial",
  command: (folder, { python }) => ({
    command: python,
    args: [peer("keras_runner.py"), folder, String(THREADS)],
    env: threadVariables,
  }),
};

const npmPeer = (name: string, title: string, script: string, folder: string, refuses: System["refuses"]): System => ({
  name,
  title,
  install: "npm ci --prefix bench/peers",
  missing: () => (existsSync(peer(join("node_modules", folder))) ? null : `bench/peers/node_modules has no ${folder}`),
  refuses,
  command: (data) => ({ command: process.execPath, args: [peer(script), data, String(THREADS)] }),
});

const denseOnly =
  (reason: string): System["refuses"] =>
  ({ model }) =>
    model.kind === "mlp" ? null : reason;

const tfjs = npmPeer("tfjs", "TensorFlow.js, wasm", "tfjs_runner.js", "@tensorflow/tfjs", (workload) =>
  workload.rule.kind === "adamw"
    ? "it has no AdamW"
    : denseOnly("its wasm backend has no gradient of a convolution's weights (Conv2DBackpropFilter)")(workload),
);

const jax = npmPeer("jax-js", "jax-js, wasm", "jax_runner.js", "@jax-js/jax", denseOnly("written for dense networks"));

const compiled = torch("torch-compile", "PyTorch, torch.compile", ["--compile"]);

/** torch.compile writes C++ and has it compiled. */
function lacksCompiler(): string | null {
  const names = [process.env.CXX, "g++", "clang++", "c++"].filter((n) => n !== undefined);
  const found = names.some((name) => spawnSync(name, ["--version"]).status === 0);
  return found ? null : `torch.compile needs a C++ compiler: none of ${names.join(", ")} runs`;
}

export const SYSTEMS: readonly System[] = [
  limbeck,
  torch("torch", "PyTorch", []),
  torch("torch-channels-last", "PyTorch, channels_last", ["--channels-last"], onImages),
  { ...compiled, missing: (options) => compiled.missing(options) ?? lacksCompiler() },
  keras,
  tfjs,
  jax,
];

/** Python for the peers: --python, LIMBECK_BENCH_PYTHON, venv/ here, or python3. */
export function pythonFor(given: string | undefined): string {
  const local = join(packageRoot(), "venv", "bin", "python");
  return given ?? process.env.LIMBECK_BENCH_PYTHON ?? (existsSync(local) ? local : "python3");
}
