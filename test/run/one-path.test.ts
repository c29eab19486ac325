/** A run and a `Distiller` with the same data, model, objective and settings train the same student, to the byte. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type CompileOptions,
  type DataInput,
  Distiller,
  distill,
  type FitOptions,
  loadData,
  type RecipeInput,
  trainModel,
} from "../../src/index.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-one-path-"));
after(() => rmSync(root, { recursive: true, force: true }));

const data: DataInput = { source: "digits", split: { validation: 0.15, test: 0.3 }, normalise: "standard" };
const student = { kind: "mlp", hidden: [12] } as const;
const recipe: RecipeInput = {
  name: "one-path",
  seeds: 1,
  seed: 3,
  data,
  student,
  teacher: { model: { kind: "mlp", hidden: [24] }, training: { steps: 150 } },
  training: { steps: 90, batch: 32 },
  evaluation: { latency_runs: 5 },
};
const loaded = await loadData(data);
const teacher = (await trainModel(recipe, { model: "teacher", out: join(root, "teacher"), threads: 1 })).model;

/** The student's file that a Distiller makes. */
async function ofDistiller(
  given: string | undefined,
  compile: CompileOptions,
  fit: FitOptions = {},
): Promise<Uint8Array> {
  const distiller = new Distiller({ teacher: given, student, seed: 3, threads: 1 }).compile(compile);
  try {
    await distiller.fit(loaded, { steps: 90, batchSize: 32, ...fit });
    return distiller.student.bytes;
  } finally {
    await distiller.dispose();
  }
}

/** The student's file that a run delivers. */
async function ofRun(name: string, changes: Partial<RecipeInput>): Promise<Uint8Array> {
  const whole = { ...recipe, teacher: { file: teacher }, baseline: false, ...changes } as RecipeInput;
  return new Uint8Array(readFileSync((await distill(whole, { out: join(root, name), threads: 1 })).student));
}

test("labels alone", async () => {
  const { model } = await trainModel(recipe, { out: join(root, "alone"), threads: 1 });
  assert.deepEqual(await ofDistiller(undefined, { alpha: 0 }), new Uint8Array(readFileSync(model)));
});

test("a teacher's answers", async () => {
  const run = await ofRun("kd", { objective: { alpha: 0.7, distillation_loss: { kind: "kd", temperature: 3 } } });
  assert.deepEqual(await ofDistiller(teacher, { alpha: 0.7, temperature: 3 }), run);
  assert.notDeepEqual(await ofDistiller(teacher, { alpha: 0.7, temperature: 4 }), run);
});

test("a teacher that is asked about random views", async () => {
  const augment = { shift: 1 };
  const run = await ofRun("views", {
    training: { ...recipe.training, augment } as RecipeInput["training"],
    transfer: { views: { answers: "online" } },
  });
  assert.deepEqual(await ofDistiller(teacher, {}, { augment }), run);
});
