/** Every way of several teachers from TypeScript, step by step: a Distiller learns what the same recipe learns. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type CompileOptions,
  Distiller,
  distill,
  type FitOptions,
  type GroupOptions,
  groupTeacher,
  loadData,
  openLabelStore,
  type RecipeInput,
  readModel,
  type Teacher,
} from "../../../src/index.js";
import { drawnMember } from "../../../src/learn/teacher/group/draw.js";
import { confidenceWeights } from "../../../src/learn/teacher/group/group.js";
import { onlineViews } from "../../../src/learn/teacher/store/online-views.js";
import { softmax } from "../../engine/objective/support.js";
import { faultLike } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-group-library-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const source = { source: "digits", split: { validation: 0.15, test: 0.3 } } as const;
const loaded = await loadData(source);
const { data, splits } = loaded;
const [CLASSES, SIZE] = [10, 64];

/** A linear teacher of raw samples, unlike any other; how often it was asked. */
function linear(seed: number, kind: Teacher["kind"] = "logits"): Teacher & { asked: number } {
  const weight = (c: number, i: number): number => 0.03 * Math.sin(seed + 3.1 * c + 1.3 * i + 0.7 * c * i);
  return {
    ...{ name: `linear ${seed}`, hash: `linear ${seed} ${kind}`, preprocessing: "", kind, classes: CLASSES, batch: 64 },
    ...{ parameters: 640, bytes: 2560, notes: [], asked: 0 },
    async answer({ samples }, indices) {
      this.asked += indices.length;
      const rows = Array.from(indices, (s) => {
        const x = (samples as Uint8Array).subarray(s * SIZE, s * SIZE + SIZE);
        const z = Array.from({ length: CLASSES }, (_, c) => x.reduce((a, v, i) => a + v * weight(c, i), 0));
        return kind === "logits" ? z : softmax(z);
      });
      return Float32Array.from(rows.flat());
    },
    dispose: async () => {},
  };
}

const training = { steps: 90, batch: 32, schedule: { kind: "constant", lr: 0.01 } } as const;
const loss = { kind: "kd", temperature: 3 } as const;
const student = { kind: "mlp", hidden: [12] } as const;
const stores = ["one", "two"].map((name) => join(folder, name));
await Promise.all(stores.map((store, k) => openLabelStore(store, linear(k + 1), data, { precision: "float32" })));

const numbersOf = (bytes: Uint8Array): number[] =>
  [...readModel(bytes).graph.initializers.values()].flatMap((t) => Array.from(t.data as Float32Array, Number));
const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))));

async function byRecipe(name: string, options: GroupOptions): Promise<number[]> {
  const recipe = {
    ...{ name, seed: 5, seeds: 1, data: source, student, training, baseline: false, evaluation: { latency_runs: 5 } },
    teacher: { group: stores.map((label_store) => ({ label_store })), ...options },
    objective: { alpha: 0.8, distillation_loss: loss },
  } as RecipeInput;
  const done = await distill(recipe, { out: join(folder, `recipe ${name}`), threads: 1 });
  return numbersOf(readFileSync(done.student));
}

async function byDistiller(
  teacher: Teacher,
  fit: FitOptions = {},
  compile: CompileOptions = { distillationLoss: loss },
): Promise<number[]> {
  const distiller = new Distiller({ teacher, student, seed: 5, threads: 1 });
  distiller.compile({ alpha: 0.8, schedule: training.schedule, ...compile });
  await distiller.fit(loaded, { steps: training.steps, batchSize: training.batch, ...fit });
  const numbers = numbersOf(distiller.student.bytes);
  await distiller.dispose();
  return numbers;
}

const WAYS: readonly GroupOptions[] = [
  { combine: "mean-losses", weights: [3, 1] },
  { combine: "mean-losses", weights: "confidence" },
  { combine: "draw", weights: [1, 2] },
  { combine: "mean-probabilities", weights: "confidence" },
  { combine: "mean-logits", weights: [3, 1] },
];

test("a Distiller's student is the recipe's, for every way of several teachers, and each way gives another", async () => {
  const found: number[][] = [];
  for (const [i, options] of WAYS.entries()) {
    const own = await byDistiller(groupTeacher([linear(1), linear(2)], options));
    const difference = apart(own, await byRecipe(String(i), options));
    assert.ok(difference < 1e-5, `${JSON.stringify(options)}: ${difference}`);
    for (const other of found) assert.ok(apart(own, other) > 1e-3, JSON.stringify(options));
    found.push(own);
  }
});

test("teachers of different kinds: drawn and in a mean of losses", async () => {
  for (const combine of ["draw", "mean-losses"] as const) {
    const plain = await byDistiller(groupTeacher([linear(1), linear(2)], { combine }));
    const mixed = groupTeacher([linear(1), linear(2, "probabilities")], { combine });
    assert.equal(mixed.kind, "probabilities");
    assert.ok(apart(await byDistiller(mixed), plain) < 1e-3, combine);
  }
  assert.equal(groupTeacher([linear(1), linear(2)], { combine: "draw" }).kind, "logits");
});

test("scores are against the mean of the probabilities", async () => {
  const indices = splits.test.slice(0, 20);
  const [one, two] = [await linear(1).answer(data, indices), await linear(2).answer(data, indices)];
  const mean = Array.from(indices, (_, i) => {
    const [p, q] = [one, two].map((z) => softmax(Array.from(z.subarray(i * CLASSES, (i + 1) * CLASSES))));
    return (p as number[]).map((v, c) => 0.75 * v + 0.25 * ((q as number[])[c] as number));
  }).flat();
  for (const combine of ["draw", "mean-losses"] as const) {
    const group = groupTeacher([linear(1), linear(2)], { combine, weights: [3, 1] });
    const answers = Array.from(await group.answer(data, indices));
    assert.ok(apart(group.kind === "logits" ? answers.map(Math.exp) : answers, mean) < 1e-6, combine);
  }
});

test("label stores: one a teacher, asked once, and another weight uses them again", async () => {
  const labelStore = join(folder, "kept");
  const members = [linear(1), linear(2)];
  const fit = { labelStore };
  const first = await byDistiller(groupTeacher(members, { combine: "mean-losses" }), fit);
  assert.deepEqual(
    members.map((m) => m.asked),
    [data.size, data.size],
  );
  for (const k of [1, 2]) assert.ok(existsSync(join(labelStore, `teacher-${k}`, "store.json")));
  const second = await byDistiller(groupTeacher(members, { combine: "mean-losses", weights: [1, 5] }), fit);
  assert.deepEqual(
    members.map((m) => m.asked),
    [data.size, data.size],
  );
  assert.ok(apart(first, second) > 1e-3);
});

test("a finished fit in a directory is that of its weights: others are trained anew", async () => {
  const directory = join(folder, "directory");
  const of = (weights: number[]): Teacher => groupTeacher([linear(1), linear(2)], { combine: "draw", weights });
  const first = await byDistiller(of([1, 9]), { directory });
  assert.deepEqual(await byDistiller(of([1, 9]), { directory }), first);
  assert.ok(apart(await byDistiller(of([9, 1]), { directory }), first) > 1e-3);
});

test("views online: each teacher's answers side by side, the weights of the views, or the teacher that is drawn", async () => {
  const indices = splits.train.slice(0, 6);
  const labels = Int32Array.from(indices, (i) => data.labels?.[i] as number);
  const augmentation = { shift: 1, flip: false } as Parameters<typeof onlineViews>[2];
  const members = [linear(1), linear(2)];
  const ask = async (options: GroupOptions, step: number) => {
    const views = onlineViews(groupTeacher(members, options), data, augmentation, 5, splits.train);
    const samples = new Uint8Array(indices.length * SIZE);
    views.render(indices, 0, samples);
    const whole = { ...data, size: indices.length, samples };
    const places = Uint32Array.from(indices, (_, i) => i);
    const own = [await linear(1).answer(whole, places), await linear(2).answer(whole, places)] as const;
    return { found: await views.answers?.(indices, 0, samples, step), own };
  };
  const { found, own } = await ask({ combine: "mean-losses", weights: "confidence" }, 0);
  for (const [i] of indices.entries())
    for (const k of [0, 1]) {
      const from = (2 * i + k) * CLASSES;
      assert.deepEqual(found?.answers.slice(from, from + CLASSES), own[k]?.slice(i * CLASSES, (i + 1) * CLASSES));
    }
  const expected = confidenceWeights(
    own.map((values) => ({ kind: "logits", values })),
    labels,
    CLASSES,
  );
  assert.ok(apart(Array.from(found?.weights ?? []), Array.from(expected)) < 1e-6);
  const drawn = [0, 1].map((k) => ({ k, weight: [1 / 3, 2 / 3][k] as number }));
  const seen = new Set<number>();
  for (let step = 0; step < 12; step++) {
    const { k } = drawnMember(drawn, 5, step);
    seen.add(k);
    const asked = await ask({ combine: "draw", weights: [1, 2] }, step);
    assert.deepEqual(asked.found?.answers, asked.own[k], `step ${step}`);
  }
  assert.equal(seen.size, 2);
});

test("a fit with views, each way; mixup online with a mean of losses", async () => {
  for (const options of WAYS) {
    const group = (): Teacher => groupTeacher([linear(1), linear(2)], options);
    const augment = { shift: 1 };
    const online = await byDistiller(group(), { augment });
    assert.ok(online.every(Number.isFinite));
    assert.ok(apart(online, await byDistiller(group(), { augment, views: "clean" })) > 1e-4, JSON.stringify(options));
  }
  const mean = groupTeacher([linear(1), linear(2)], { combine: "mean-losses" });
  const mixed = await byDistiller(mean, { augment: { mixup: { alpha: 1 } } }, { distillationLoss: loss, alpha: 1 });
  assert.ok(mixed.every(Number.isFinite));
});

test("what does not fit is said before anything is asked", async () => {
  const mixup = { augment: { mixup: { alpha: 1 } } };
  const layers = [{ student: "hidden1/relu", teacher: "hidden1/relu" }];
  const cases: [GroupOptions, FitOptions, CompileOptions, string, string][] = [
    [{ combine: "mean-losses" }, { ...mixup, views: "clean" }, {}, "fit: augment", "online"],
    [{ combine: "mean-losses", weights: "confidence" }, mixup, {}, "fit: augment", "fixed weights"],
    [
      { combine: "mean-losses", weights: "confidence" },
      {},
      { distillationLoss: "dist" },
      "objective",
      "fixed teacher.weights",
    ],
    [{ combine: "draw" }, {}, { terms: [{ kind: "similarity", layers }] }, "compile: terms", "one teacher"],
  ];
  for (const [options, fit, compile, where, cure] of cases) {
    const members = [linear(1), linear(2)];
    await assert.rejects(
      byDistiller(groupTeacher(members, options), fit, compile),
      faultLike({ code: "option-conflict", where, cure: [cure] }),
    );
    assert.deepEqual(
      members.map((m) => m.asked),
      [0, 0],
    );
  }
  const two = [linear(1), linear(2)];
  assert.throws(() => groupTeacher(two, { combine: "draw", weights: "confidence" }), {
    code: "option-conflict",
    found: /confidence/,
  });
  assert.throws(() => groupTeacher([groupTeacher(two, { combine: "draw" }), linear(3)]), {
    code: "option-conflict",
    cure: /teachers/,
  });
});
