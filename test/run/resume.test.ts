/** A run that is killed again and again ends with the very bytes of one that was left alone. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import type { RecipeInput } from "../../src/index.js";
import { Random } from "../../src/engine/random/random.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-resume-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "resume",
  seeds: 1,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: {
    model: { kind: "mlp", hidden: [128], dropout: 0.1, batch_norm: true },
    training: { epochs: 15, batch: 32 },
    precision: "float16",
  },
  student: { kind: "mlp", hidden: [16] },
  training: { steps: 900, batch: 16, accumulate: 2, clip_norm: 1, gradient_shares_every: 50, ema: { decay: 0.99 } },
};

const library = new URL("../../src/index.js", import.meta.url).href;
const child = join(folder, "run.mjs");
writeFileSync(
  child,
  `import { existsSync } from "node:fs";
import { join } from "node:path";
import { distill, InterruptedError } from ${JSON.stringify(library)};
const out = process.argv[2];
const resume = existsSync(join(out, "state.json")) ? out : undefined;
const controller = new AbortController();
process.on("SIGINT", () => controller.abort());
try {
  await distill(${JSON.stringify(recipe)}, {
    ...(resume ? { resume } : { out }),
    threads: 1,
    checkpointSeconds: 0.1,
    signal: controller.signal,
    onEvent: () => process.stdout.write("."),
  });
} catch (error) {
  if (!(error instanceof InterruptedError)) throw error;
  process.exitCode = 130;
}
`,
);

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

function start(out: string): { process: ChildProcess; ended: Promise<Ended> } {
  const process_ = spawn(process.execPath, [child, out], { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  process_.stderr.on("data", (chunk) => {
    errors += String(chunk);
  });
  const ended = new Promise<Ended>((resolve) => {
    process_.on("close", (code, signal) => resolve({ code, signal, errors }));
  });
  return { process: process_, ended };
}

const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Everything of a run that must not depend on interruptions, by path. */
function outcome(out: string): Record<string, string> {
  const files = readdirSync(out, { recursive: true })
    .map(String)
    .filter((f) => /(\.onnx|outputs\.bin|metrics\.jsonl)$/.test(f))
    .sort();
  return Object.fromEntries(files.map((f) => [f.replaceAll("\\", "/"), hash(join(out, f))]));
}

/** Whether a run has got as far as the steps of a training. */
function begunTraining(out: string): boolean {
  const trainings = join(out, "trainings");
  return (
    existsSync(trainings) &&
    readdirSync(trainings, { recursive: true }).some((f) => String(f).endsWith("metrics.jsonl"))
  );
}

const reference = join(folder, "reference");
const begun = performance.now();
const whole = await start(reference).ended;
const duration = performance.now() - begun;
assert.equal(whole.code, 0, whole.errors);
const expected = outcome(reference);

test("an uninterrupted run leaves student, teacher, labels and metrics", () => {
  const names = Object.keys(expected).map((f) => basename(f));
  for (const name of ["student.onnx", "model.onnx", "outputs.bin", "metrics.jsonl"])
    assert.ok(names.includes(name), name);
  assert.equal(names.filter((n) => n === "model.onnx").length, 3, "teacher, student, baseline");
});

test("killed at ten random moments and resumed: the same bytes", async () => {
  const random = new Random(20, "kill moments");
  let kills = 0;
  let midway = 0;
  for (let run = 0; kills < 10; run++) {
    const out = join(folder, `killed-${run}`);
    for (;;) {
      const { process: running, ended } = start(out);
      // Anywhere from the start of the process to its end; later kills of a run come on top of earlier progress.
      const wait = 150 + random.uniform(kills) * duration * 0.7;
      const timer = setTimeout(() => running.kill("SIGKILL"), kills < 10 ? wait : 600_000);
      const { code, signal, errors } = await ended;
      clearTimeout(timer);
      if (signal === "SIGKILL") {
        kills++;
        midway += Number(begunTraining(out));
        continue;
      }
      assert.equal(code, 0, errors);
      break;
    }
    assert.deepEqual(outcome(out), expected);
    assert.deepEqual(
      readdirSync(out, { recursive: true }).filter((f) => String(f).endsWith(".tmp")),
      [],
      "nothing half-written stays",
    );
    rmSync(out, { recursive: true, force: true });
  }
  assert.ok(midway >= 5, `only ${midway} of ${kills} kills met a training that had begun`);
});

test("metrics are cut back to the checkpoint: every step once, in order", () => {
  for (const training of readdirSync(join(reference, "trainings"))) {
    const lines = readFileSync(join(reference, "trainings", training, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n");
    const steps = lines
      .map((l) => JSON.parse(l) as { step: number; loss?: number })
      .filter((r) => r.loss !== undefined);
    assert.deepEqual(
      steps.map((r) => r.step),
      steps.map((_, i) => i + 1),
      training,
    );
  }
});

test("Ctrl-C writes a checkpoint, leaves with 130, and the run goes on to the same bytes", async () => {
  const out = join(folder, "interrupted");
  const { process: running, ended } = start(out);
  // In the middle of a training: its metrics have begun.
  while (!begunTraining(out)) await new Promise((resolve) => setTimeout(resolve, 10));
  running.kill("SIGINT");
  const stopped = await ended;
  assert.equal(stopped.code, 130, stopped.errors);
  assert.ok(!existsSync(join(out, "student.onnx")), "an unfinished run has no student");
  const files = readdirSync(out, { recursive: true }).map((f) => basename(String(f)));
  assert.ok(files.includes("checkpoint.safetensors"));
  const { code, errors } = await start(out).ended;
  assert.equal(code, 0, errors);
  assert.deepEqual(outcome(out), expected);
});

test("a run is not resumed with another recipe, and the fields that differ are named", async () => {
  const { distill, InputError, trainModel } = await import("../../src/index.js");
  const refused = async (changed: RecipeInput): Promise<string> => {
    const error: unknown = await distill(changed, { resume: reference }).catch((e: unknown) => e);
    assert.ok(error instanceof InputError);
    assert.deepEqual([error.code, error.where], ["run-mismatch", "--resume"]);
    return error.found;
  };
  const one = await refused({ ...recipe, training: { ...recipe.training, steps: 1000 } as RecipeInput["training"] });
  assert.deepEqual(one.split("\n"), [
    `${reference} was started with another recipe:`,
    "  training.steps: 900 in the run, 1000 in the recipe",
    "",
  ]);
  const several = await refused({
    ...recipe,
    seed: 1,
    student: { kind: "mlp", hidden: [16, 8] },
    training: { epochs: 3, batch: 8, accumulate: 2, clip_norm: 2, ema: { decay: 0.99 } },
  });
  for (const line of ["seed: 0 in the run, 1 in the recipe", "student.hidden: [16] in the run, [16,8] in the recipe"])
    assert.ok(several.includes(`\n  ${line}\n`), several);
  assert.match(several, /\n {2}and \d more fields\n/);
  assert.equal(several.split("\n").filter((line) => line.includes(" in the run, ")).length, 4);
  await assert.rejects(
    trainModel(recipe, { resume: reference }),
    (e: unknown) => e instanceof InputError && e.code === "run-mismatch" && /limbeck distill/.test(e.found),
  );
});
