/** Random views: the teacher's answers belong to what the student sees, labelled once or asked at every step. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { allocateSamples } from "../../src/learn/data/samples.js";
import { drawnViews } from "../../src/learn/data/views.js";
import { distill, InputError, loadData, type RecipeInput } from "../../src/index.js";
import { loadRecipe } from "../../src/run/recipe/load.js";
import { openSession } from "../../src/node/session.js";
import { pseudoLabelled } from "../../src/run/teaching/pseudo-labels.js";
import { listTrainings } from "../../src/run/folder/trainings.js";
import { openOnnxTeacher } from "../../src/learn/teacher/onnx.js";
import { openLabelStore, readLabelStore } from "../../src/learn/teacher/store/store.js";
import { openViewStore } from "../../src/learn/teacher/store/view-store.js";
import { faultLike } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-views-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe = {
  name: "views",
  seeds: 1,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 4, batch: 32 } },
  student: { kind: "mlp", hidden: [16] },
  training: {
    epochs: 4,
    batch: 32,
    schedule: { kind: "one-cycle", lr: 0.01 },
    augment: { shift: 1, mixup: { alpha: 1 } },
  },
  objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 2 } },
  evaluation: { latency_runs: 5 },
} satisfies RecipeInput;

const run = (name: string, changes: Partial<RecipeInput>) =>
  distill({ ...recipe, ...changes }, { out: join(folder, name), threads: 1 });

const loaded = await loadData(recipe.data as Parameters<typeof loadData>[0]);
const first = await run("replayed", { transfer: { views: { answers: "replayed", count: 3 } } });
const teacherFile = listTrainings(first.directory).find((t) => t.role === "teacher")?.file ?? "";
const NONE = { scale: 1, mean: [0], std: [1] };
const openTeacher = () =>
  openOnnxTeacher(teacherFile, loaded.data, loaded.splits.validation, {
    ...{
      outputs: "logits",
      layout: "nchw",
      resize: "none",
      normalisation: NONE,
      batch: 64,
      allowChance: true,
      threads: 1,
    },
  } as Parameters<typeof openOnnxTeacher>[3]);
const plan = {
  augmentation: { shift: 2, rotate: 10, noise: 0.1, mixup: { alpha: 0.4 } },
  seed: 5,
  count: 2,
  samples: loaded.splits.train.slice(0, 40),
};

test("a view store answers for exactly what it renders, epoch after epoch, and replays views when they run out", async () => {
  const teacher = await openTeacher();
  const store = await openViewStore(join(folder, "store"), teacher, loaded.data, plan, { precision: "float32" });
  await teacher.dispose();
  const session = await openSession(teacherFile, { threads: 1 });
  const indices = plan.samples.slice(3, 11);
  const drawn = drawnViews(loaded.data, plan.augmentation, plan.seed, plan.samples);
  const seen: number[][] = [];
  for (const epoch of [0, 1, 2]) {
    const pixels = allocateSamples(loaded.data.samples, indices.length * 64);
    const blends = store.render(indices, epoch, pixels);
    const fresh = allocateSamples(loaded.data.samples, pixels.length);
    assert.deepEqual(drawn.render(indices, epoch % 2, fresh), blends, "what was recorded is what was drawn");
    assert.deepEqual(fresh, pixels);
    // ONNX Runtime's own answer for these pixels.
    const name = session.inputs[0]?.name ?? "";
    const output = session.outputs[0]?.name ?? "";
    const result = await session.run(
      { [name]: { dtype: "float32", shape: [8, 1, 8, 8], data: Float32Array.from(pixels) } },
      [output],
    );
    const { answers } = await store.answers(indices, epoch);
    Array.from(result[output]?.data as Float32Array).forEach((v, i) => {
      assert.ok(Math.abs(v - (answers[i] as number)) < 1e-4, `epoch ${epoch}, value ${i}: ${answers[i]} and ${v}`);
    });
    seen.push([...pixels]);
  }
  await session.dispose();
  assert.notDeepEqual(seen[0], seen[1]);
  assert.deepEqual(seen[2], seen[0], "the third epoch sees the first view again");
});

test("a killed labelling of views goes on, and a store of other views is refused", async () => {
  const whole = join(folder, "store");
  const part = join(folder, "part");
  cpSync(whole, part, { recursive: true });
  const { truncateSync } = await import("node:fs");
  truncateSync(join(part, "outputs.bin"), 17 * 10 * 4 + 3);
  const teacher = await openTeacher();
  await openViewStore(part, teacher, loaded.data, plan, { precision: "float32" });
  assert.deepEqual(readFileSync(join(part, "outputs.bin")), readFileSync(join(whole, "outputs.bin")));
  await assert.rejects(
    openViewStore(part, teacher, loaded.data, { ...plan, seed: 6 }, { precision: "float32" }),
    faultLike({ code: "store-mismatch", where: part, found: ["the data"] }),
  );
  await assert.rejects(
    openViewStore(part, teacher, loaded.data, { ...plan, count: 3 }, { precision: "float32" }),
    faultLike({ code: "store-mismatch", where: "views.bin" }),
  );
  // A store of the samples as they are is nobody's views, and stays what it was.
  const plain = join(folder, "plain");
  await openLabelStore(plain, teacher, loaded.data, { precision: "float32" });
  await assert.rejects(
    openViewStore(plain, teacher, loaded.data, plan, { precision: "float32" }),
    faultLike({ code: "store-mismatch", where: plain }),
  );
  assert.deepEqual(readdirSync(plain).sort(), ["outputs.bin", "store.json"]);
  await teacher.dispose();
});

test("a recipe: so many views are labelled once, and resumed runs give the same bytes", async () => {
  const stores = join(first.directory, "label-stores");
  const views = readdirSync(stores).filter((n) => n.startsWith("views-"));
  assert.equal(views.length, 1);
  const rows = 3 * loaded.splits.train.length;
  assert.equal(statSync(join(stores, views[0] as string, "outputs.bin")).size, rows * 10 * 4);
  const again = await run("again", { transfer: { views: { answers: "replayed", count: 3 } } });
  assert.deepEqual(readFileSync(again.student), readFileSync(first.student));
  assert.ok(existsSync(join(first.directory, "report.html")));
});

test("online and replayed teach alike, as far as views agree; clean is something else", async () => {
  // With one view a sample that is replayed in one epoch, both see the same views with the same answers.
  const one = { ...recipe.training, epochs: 1 };
  const teacher = { file: teacherFile, normalise: "none", outputs: "logits" } as const;
  const online = await run("online", { teacher, training: one, transfer: { views: { answers: "online" } } });
  const replayed = await run("one-view", {
    teacher,
    training: one,
    transfer: { views: { answers: "replayed", count: 1 } },
  });
  const weights = ({ student }: { student: string }) => readFileSync(student);
  const clean = await run("clean", { teacher, training: one, transfer: { views: { answers: "clean" } } });
  const score = (r: typeof online) => r.summary.models.find((m) => m.role === "student")?.softKL?.mean ?? 0;
  assert.ok(Math.abs(score(online) - score(replayed)) < 1e-4, `${score(online)} and ${score(replayed)}`);
  assert.notDeepEqual(weights(clean), weights(replayed));
});

test("several teachers answer for views as one: the mean of what each says of the same view", async () => {
  const other = await run("other", { seed: 7, baseline: false });
  const files = [teacherFile, listTrainings(other.directory).find((t) => t.role === "teacher")?.file ?? ""];
  const teachers = files.map((file) => ({ file, normalise: "none", outputs: "logits" }) as const);
  const group = { group: teachers, combine: "mean-logits", weights: [1, 3] } as const;
  const said = async (name: string, teacher: RecipeInput["teacher"]): Promise<Float32Array> => {
    const { directory } = await run(name, { teacher, baseline: false, transfer: { views: { count: 2 } } });
    const stores = join(directory, "label-stores");
    const views = readdirSync(stores).filter((n) => n.startsWith("views-"));
    assert.equal(views.length, 1, "members keep no views of their own");
    return new Float32Array(Uint8Array.from(readFileSync(join(stores, views[0] as string, "outputs.bin"))).buffer);
  };
  const [a, b] = [await said("a", teachers[0]), await said("b", teachers[1])];
  const both = await said("both", group);
  assert.equal(both.length, 2 * loaded.splits.train.length * 10);
  both.forEach((v, i) => {
    const mean = 0.25 * (a[i] as number) + 0.75 * (b[i] as number);
    assert.ok(Math.abs(v - mean) < 1e-4, `value ${i}: ${v}, expected ${mean}`);
  });
  // A teacher beside itself is that teacher, also when it is asked at every step.
  const twice = { group: [teachers[0], teachers[0]], combine: "mean-logits" } as RecipeInput["teacher"];
  const online = { transfer: { views: { answers: "online" } }, baseline: false } as const;
  const [one, two] = [
    await run("one-online", { ...online, teacher: teachers[0] }),
    await run("two-online", { ...online, teacher: twice }),
  ];
  const score = (r: typeof one) => r.summary.models.find((m) => m.role === "student")?.softKL?.mean ?? 0;
  assert.ok(Math.abs(score(one) - score(two)) < 1e-4, `${score(one)} and ${score(two)}`);
  const chain = await run("consistent-group", { teacher: group, strategy: { kind: "consistent" } });
  assert.ok(chain.summary.models.some((m) => m.role === "student" && (m.accuracy?.mean ?? 0) > 0.5));
});

test("labels of blended samples: the baseline learns from both, and the student may too", async () => {
  const { summary } = await run("labels", {
    objective: { alpha: 0.5, distillation_loss: { kind: "kd", temperature: 2 } },
    training: { ...recipe.training, augment: { cutmix: { alpha: 1 } } },
  });
  for (const m of summary.models) assert.ok((m.accuracy?.mean ?? 0) > 0.5, `${m.name}: ${m.accuracy?.mean}`);
});

test("views that cannot go with the rest are refused by name, before anything is trained", async () => {
  const views = (answers: "replayed" | "online" | "clean") => ({ transfer: { views: { answers } } });
  const group = { group: [recipe.teacher, recipe.teacher] };
  const plain = { ...recipe.training, augment: undefined };
  const similarity = { kind: "similarity", layers: [{ teacher: "*relu*", student: "*relu*" }] } as const;
  const cases: [Partial<RecipeInput>, string, string][] = [
    [{ training: plain, ...views("online") }, "transfer.views", "training.augment"],
    [{ transfer: { views: { answers: "online", count: 4 } } }, "transfer.views.count", "online"],
    [{ teacher: { ...group, combine: "draw" }, ...views("replayed") }, "transfer.views.answers", "draw"],
    [{ teacher: { ...group, weights: "confidence" }, ...views("online") }, "transfer.views.answers", "confidence"],
    [
      { teacher: { group: [recipe.teacher, { label_store: "x" }] }, ...views("replayed") },
      "transfer.views.answers",
      "teacher 2",
    ],
    [{ teacher: { label_store: "x" }, ...views("online") }, "transfer.views.answers", "label_store"],
    [
      { teacher: { url: "http://127.0.0.1:9", answers: "logits" }, ...views("online") },
      "transfer.views.answers",
      "endpoint",
    ],
    [{ objective: { alpha: 0.5, terms: [similarity] }, ...views("clean") }, "transfer.views.answers", "layers"],
    [{ teacher: { ...group, combine: "mean-losses" }, ...views("clean") }, "training.augment", "mean-losses"],
    [{ objective: { alpha: 0.5, distillation_loss: { kind: "dkd" } } }, "training.augment", "dkd"],
    [{ objective: { alpha: 0, student_loss: { virtual_teacher: {} } } }, "training.augment", "virtual teacher"],
    [{ transfer: { pseudo_labels: {} } }, "transfer.pseudo_labels", "transfer.samples"],
    [{ transfer: { samples: "all", pseudo_labels: {} } }, "transfer.pseudo_labels", "transfer.labelled"],
    [
      { transfer: { labelled: 50, samples: "all", pseudo_labels: {}, omit_classes: [3] } },
      "transfer.pseudo_labels.balance",
      "omitted class",
    ],
    [
      { transfer: { labelled: 50, samples: "all", pseudo_labels: {}, views: { answers: "online" } } },
      "transfer.views.answers",
      "pseudo-labels",
    ],
  ];
  for (const [changes, where, word] of cases)
    await assert.rejects(run("bad", changes), (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.deepEqual([error.code, error.where], ["option-conflict", where]);
      assert.ok(`${error.found} ${error.cure}`.includes(word), error.message);
      return true;
    });
  assert.ok(!existsSync(join(folder, "bad")));
});

test("pseudo-labels: labels where there are some, the teacher's elsewhere, and noise over clean answers", async () => {
  const { summary } = await run("pseudo", {
    teacher: { ...recipe.teacher, training: { epochs: 60, batch: 32 }, train_on: "labelled" },
    training: { ...recipe.training, epochs: 20, augment: { shift: 1 } },
    student: { kind: "mlp", hidden: [32] },
    objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 1 } },
    transfer: { labelled: 100, samples: "all", pseudo_labels: { min_confidence: 0.5 } },
  });
  const said = summary.models.find((m) => m.role === "student")?.trainedOn ?? "";
  const [, sure, unlabelled, chosen = sure] =
    said.match(
      /^100 samples with labels and (\d+) of (\d+) other samples with the teacher's pseudo-labels(?:, balanced to (\d+))?$/,
    ) ?? [];
  assert.equal(Number(unlabelled), loaded.splits.train.length - 100);
  assert.ok(Number(sure) > 0 && Number(sure) <= Number(unlabelled));
  assert.ok(Math.abs(Number(chosen) - Number(sure)) <= 10);
  const stepsOf = (role: string) => summary.models.find((m) => m.role === role)?.seeds.map((s) => s.steps);
  assert.deepEqual(stepsOf("baseline"), stepsOf("student"), "epochs of 100 samples would be fewer updates");
  const perEpoch = Math.floor((100 + Number(chosen)) / (recipe.training.batch as number));
  assert.deepEqual(stepsOf("student"), [20 * perEpoch]);
  const [student, teacher] = ["student", "teacher"].map(
    (r) => summary.models.find((m) => m.role === r)?.accuracy?.mean ?? 0,
  );
  assert.ok((student as number) > (teacher as number) - 0.1, `${student} after ${teacher}`);
});

test("pseudo-labels beside losses between layers: the teacher's inner values stay its own", async () => {
  const layers = [{ teacher: "*elu*", student: "*elu*" }];
  const { directory, summary } = await run("pseudo-layers", {
    teacher: { ...recipe.teacher, train_on: "labelled", precision: "float16" },
    training: { ...recipe.training, augment: undefined, gradient_shares_every: 10 },
    objective: { ...recipe.objective, terms: [{ kind: "similarity", weight: 10, layers }] },
    transfer: { labelled: 100, samples: "all", pseudo_labels: {} },
  });
  const shares = summary.models.find((m) => m.role === "student")?.gradientShares ?? [];
  assert.ok(shares.length > 0 && shares.every((s) => (s.shares.similarity as number) > 0));
  const [name] = readdirSync(join(directory, "label-stores"));
  const store = readLabelStore(join(directory, "label-stores", name as string), loaded.data);
  const { plan: parsed } = loadRecipe(join(directory, "recipe.yaml"));
  const made = pseudoLabelled({ plan: parsed, transfer: loaded.splits.train, labelled: plan.samples }, loaded, store);
  const values = [store, made?.store].map((s) => {
    const out = new Float32Array(2 * 64);
    s?.features[0]?.gather(Uint32Array.of(7, 1200), out);
    return out;
  });
  assert.ok(values[0]?.some((v) => v !== 0));
  assert.deepEqual(values[1], values[0]);
});
