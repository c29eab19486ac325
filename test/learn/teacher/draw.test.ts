/** One teacher drawn for each update: by its probability, from seed and step alone, and resumable. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { TEACHER } from "../../../src/engine/compile/step.js";
import { distill, InterruptedError, loadData, type RecipeInput } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import { listTrainings } from "../../../src/run/folder/trainings.js";
import { drawnMember } from "../../../src/learn/teacher/group/draw.js";
import { readLabelStore } from "../../../src/learn/teacher/store/store.js";
import { BatchMaker, planBatches } from "../../../src/learn/train/batches.js";
import type { TrainingTask } from "../../../src/learn/train/types.js";
import type { TeacherMember } from "../../../src/learn/teacher/taught.js";
import { softmax } from "../../engine/objective/support.js";
import { faultLike } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-draw-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("teachers are drawn as often as they weigh", () => {
  const members = [0.5, 0.2, 0.3].map((weight, k) => ({ weight, k }));
  const steps = 20_000;
  for (const seed of [0, 7]) {
    const counts = [0, 0, 0];
    for (let step = 0; step < steps; step++) {
      const { k } = drawnMember(members, seed, step);
      counts[k] = (counts[k] as number) + 1;
    }
    // Five standard deviations of a binomial share.
    for (const { weight, k } of members)
      assert.ok(
        Math.abs((counts[k] as number) / steps - weight) < 5 * Math.sqrt((weight * (1 - weight)) / steps),
        `seed ${seed}: ${counts}`,
      );
  }
  assert.equal(drawnMember([{ weight: 1 }], 3, 5).weight, 1);
});

test("all rows of an update come from one teacher, whichever step the maker begins with", async () => {
  const { data, splits } = await loadData({ source: "digits" });
  const member = (mark: number, weight: number): TeacherMember => ({
    kind: "logits",
    weight,
    gather: (indices, out) => {
      for (const [i, s] of indices.entries()) out.fill(mark * 10_000 + s, i * 10, i * 10 + 10);
    },
  });
  const model = trainableModel(
    buildModel({ kind: "mlp", hidden: [4] }, { inputShape: [1, 8, 8], classes: 10, seed: 0 }),
  );
  const objective = {
    alpha: 1,
    studentLoss: { kind: "cross-entropy", labelSmoothing: 0 },
    distillationLoss: { kind: "kd", temperature: 2 },
  } as const;
  const settings = {
    ...{ batch: 16, steps: 100, rule: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 } },
    ...{ schedule: { kind: "constant", lr: 0.1 }, clipNorm: 0, accumulate: 2, seed: 3, augmentation: null },
    ...{ select: "last", patience: null, validateEvery: null, diagnoseEvery: 0, threads: 1, device: "cpu" },
  } as unknown as TrainingTask["settings"];
  const task: TrainingTask = {
    ...{ name: "drawn", model, data, train: splits.train, validation: splits.validation, objective, settings },
    teacher: {
      kind: "logits",
      gather: () => assert.fail("the mean is for scores"),
      drawn: [member(1, 0.4), member(2, 0.6)],
    },
    ...{ directory: null, fingerprint: "" },
  };
  const graph = withNormalisation(
    model.graph,
    model.inputs[0] as string,
    { scale: 1 / 16, mean: [0], std: [1] },
    "uint8",
  );
  const compiled = compileTraining({
    ...{
      model: { ...model, graph },
      batch: 16,
      inputs: [{ shape: [1, 8, 8], dtype: "uint8" as const }],
      classes: 10,
      objective,
      teacherKind: "logits",
    },
  });
  const at = compiled.step.batch.findIndex((b) => b.name === TEACHER);
  const plan = planBatches(splits.train.length, 16, 2);
  const maker = new BatchMaker(task, compiled, plan);
  const marks: number[] = [];
  for (let step = 0; step < 60; step++) {
    const request = await maker.request(step);
    const found = request.micro.flatMap((arrays) =>
      [...(arrays[at] as Float32Array)].map((v) => Math.floor(v / 10_000)),
    );
    assert.equal(found.length, 2 * 16 * 10);
    assert.equal(new Set(found).size, 1, `step ${step}`);
    marks.push(found[0] as number);
    assert.deepEqual((await new BatchMaker(task, compiled, plan).request(step)).micro, request.micro);
  }
  assert.deepEqual([...new Set(marks)].sort(), [1, 2]);
});

const member = { model: { kind: "mlp", hidden: [48] }, training: { epochs: 4, batch: 32 } } as const;
const recipe: RecipeInput = {
  name: "draw",
  seeds: 1,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { group: [member, member], combine: "draw", weights: [1, 2] },
  student: { kind: "mlp", hidden: [16] },
  training: { steps: 1500, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 2 } },
  baseline: false,
  evaluation: { latency_runs: 5 },
};

test("from a recipe: a resumed run draws alike, stores stay apart, scores are against the mean", async () => {
  const whole = join(folder, "whole");
  const { summary } = await distill(recipe, { out: whole, threads: 1 });
  const broken = join(folder, "broken");
  const controller = new AbortController();
  const options = { threads: 1, checkpointSeconds: 0.01 };
  await assert.rejects(
    distill(recipe, {
      ...options,
      out: broken,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.kind === "training" && event.progress.name.startsWith("student") && event.progress.step > 0)
          controller.abort();
      },
    }),
    InterruptedError,
  );
  await distill(recipe, { ...options, resume: broken });
  assert.ok(readFileSync(join(broken, "student.onnx")).equals(readFileSync(join(whole, "student.onnx"))));
  const { data, splits } = await loadData(recipe.data);
  const { readdirSync } = await import("node:fs");
  const stores = readdirSync(join(whole, "label-stores")).map((f) =>
    readLabelStore(join(whole, "label-stores", f), data),
  );
  assert.equal(stores.length, 2);
  assert.equal(listTrainings(whole).filter((t) => t.role === "teacher").length, 2);
  // Whichever of the two stores is the first teacher's.
  const scores = [
    [1 / 3, 2 / 3],
    [2 / 3, 1 / 3],
  ].map((weights) => {
    const right = splits.test.filter((i) => {
      const rows = stores.map((s) => softmax(Array.from(s.outputs.subarray(10 * i, 10 * i + 10))));
      const mean = Array.from({ length: 10 }, (_, c) =>
        rows.reduce((a, r, k) => a + (weights[k] as number) * (r[c] as number), 0),
      );
      return mean.indexOf(Math.max(...mean)) === data.labels?.[i];
    });
    return right.length / splits.test.length;
  });
  const teacher = summary.models[0];
  assert.match(teacher?.architecture ?? "", /^one drawn per batch from 2 teachers/);
  assert.ok(scores.some((s) => Math.abs(s - (teacher?.accuracy?.mean ?? 0)) < 1e-9));
  const student = summary.models.find((m) => m.role === "student");
  assert.ok((student?.accuracy?.mean ?? 0) > 0.85);
  await assert.rejects(
    distill(
      { ...recipe, teacher: { group: [member, member], combine: "draw", weights: "confidence" } },
      { out: join(folder, "no") },
    ),
    faultLike({ code: "option-conflict", where: "teacher.weights", found: ["draw"] }),
  );
});
