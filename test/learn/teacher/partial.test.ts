/** Teachers of part of the classes, from a recipe to a report: trained, as files and as endpoints. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../../src/base/errors.js";
import {
  Distiller,
  distill,
  fromArrays,
  loadData,
  mergeAnswers,
  type RecipeInput,
  readLabelStore,
  type Summary,
} from "../../../src/index.js";
import { faultLike } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-partial-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));
const [LOW, HIGH] = [names(0, 6), names(4, 10)];
const member = { model: { kind: "mlp", hidden: [64] }, training: { epochs: 10, batch: 32 } } as const;
const recipe: RecipeInput = {
  name: "partial",
  seeds: 1,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: {
    group: [
      { ...member, classes: LOW },
      { ...member, classes: HIGH },
    ],
    combine: "merge",
  },
  student: { kind: "mlp", hidden: [24] },
  training: { steps: 500, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 2 } },
  baseline: false,
  evaluation: { latency_runs: 5 },
};
const loaded = loadData(recipe.data);

const share = (summary: Summary, name: string): number => {
  const row = summary.models.find((m) => m.name === name);
  assert.ok(row?.accuracy, name);
  return row.accuracy.mean;
};

/** Whatever the stores hold, the group's row is the accuracy of their merged answers. */
async function checkMerged(summary: Summary, out: string): Promise<void> {
  const { data, splits } = await loaded;
  const stores = readdirSync(join(out, "label-stores")).map((f) => readLabelStore(join(out, "label-stores", f), data));
  assert.equal(stores.length, 2);
  const members = stores.map((store) => {
    // What a partial teacher does not know it answers 0.
    const knows = names(0, 10)
      .map(Number)
      .filter((c) => store.outputs.some((v, i) => i % 10 === c && v !== 0));
    return { name: store.header.teacher, kind: store.kind, values: store.outputs, knows };
  });
  assert.deepEqual(members.map((m) => m.knows.join("")).sort(), ["012345", "456789"]);
  const merged = mergeAnswers(members, [0.5, 0.5], 10);
  const right = splits.test.filter((i) => {
    const row = [...merged.subarray(10 * i, 10 * i + 10)];
    return row.indexOf(Math.max(...row)) === data.labels?.[i];
  });
  assert.ok(Math.abs(share(summary, "teacher") - right.length / splits.test.length) < 1e-9);
}

test("trained teachers see samples of their classes alone; merged they teach all ten", async () => {
  const out = join(folder, "trained");
  const { summary } = await distill(recipe, { out, threads: 1 });
  const { data, splits } = await loaded;
  const count = (classes: string[]): number =>
    splits.train.filter((i) => classes.includes(String(data.labels?.[i]))).length;
  const trainedOn = (name: string): string => summary.models.find((m) => m.name === name)?.trainedOn ?? "";
  assert.match(trainedOn("teacher 1"), new RegExp(`^${count(LOW)} samples`));
  assert.match(trainedOn("teacher 2"), new RegExp(`^${count(HIGH)} samples`));
  // Neither can be right about classes that it does not know.
  for (const name of ["teacher 1", "teacher 2"]) assert.ok(share(summary, name) < 0.65, name);
  assert.ok(share(summary, "teacher") > 0.7);
  assert.ok(share(summary, "student") > share(summary, "teacher 1") + 0.1);
  await checkMerged(summary, out);
});

/** A model with six outputs that knows 0 to 5. */
async function sixClasses(): Promise<string> {
  const { data } = await loaded;
  const own = [...(data.labels as Int32Array).keys()].filter((i) => (data.labels?.[i] as number) < 6);
  const six = fromArrays({
    samples: own.map((i) => Float32Array.from(data.samples.subarray(64 * i, 64 * i + 64), (v) => v / 16)),
    labels: own.map((i) => data.labels?.[i] as number),
    classes: LOW,
    sampleShape: [1, 8, 8],
  });
  const alone = new Distiller({ teacher: "none.onnx", student: { kind: "mlp", hidden: [64] }, threads: 1 });
  alone.compile({ alpha: 0, learningRate: 0.01 });
  await alone.fit(six, { epochs: 15, batchSize: 32 });
  const file = join(folder, "six.onnx");
  await alone.student.save(file);
  await alone.dispose();
  return file;
}

test("a file with six outputs and an endpoint with six others", async () => {
  const file = await sixClasses();
  const { data } = await loaded;
  const key = (values: ArrayLike<number>): string => Array.from(values).join();
  const labels = new Map<string, number>();
  for (let i = 0; i < data.size; i++)
    labels.set(key(data.samples.subarray(64 * i, 64 * i + 64)), data.labels?.[i] ?? 0);
  // It knows 4 to 9, in falling order, and guesses evenly about the others.
  const falling = [...HIGH].reverse();
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      const { samples } = JSON.parse(text) as { samples: number[][] };
      const outputs = samples.map((s) => falling.map((c) => (Number(c) === labels.get(key(s)) ? 6 : 0)));
      response.end(JSON.stringify({ outputs }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const out = join(folder, "mixed");
  const classes = names(0, 10);
  const mixed = (combine: "merge" | "mean-probabilities"): RecipeInput => ({
    ...recipe,
    data: { ...recipe.data, classes } as RecipeInput["data"],
    teacher: {
      group: [
        { file, classes: LOW, normalise: { scale: 1 / 16, mean: [0], std: [1] } },
        { url, answers: "logits", classes: falling, batch: 256 },
      ],
      combine,
    },
  });
  const { summary } = await distill(mixed("merge"), { out, threads: 1 });
  await checkMerged(summary, out);
  assert.ok(share(summary, "teacher") > share(summary, "teacher 1"));
  await assert.rejects(
    distill(mixed("mean-probabilities"), { out: join(folder, "mean"), threads: 1 }),
    faultLike({ code: "option-conflict", where: "teacher.combine", found: ["6 of the 10"], cure: ["merge"] }),
  );
});

test("what does not cover the classes is refused before anything is trained", async () => {
  const group = (first: string[], second: string[]): RecipeInput["teacher"] => ({
    group: [
      { ...member, classes: first },
      { ...member, classes: second },
    ],
    combine: "merge",
  });
  const cases: [RecipeInput["teacher"], ErrorCode, string, string][] = [
    [group(LOW, names(4, 9)), "class-unknown", "teacher.group", "class 9"],
    [group(names(0, 5), names(5, 10)), "option-conflict", "teacher.group", "0, 1, 2, 3, 4 with 5, 6"],
    [group(LOW, ["4", "44"]), "class-unknown", "teacher.classes", '"44"'],
    [group(LOW, ["4", "4"]), "class-duplicate", "teacher.classes", '"4"'],
    [{ file: "six.onnx", classes: LOW }, "class-unknown", "teacher.classes", "6 of the 10"],
    [{ ...member, classes: LOW }, "class-unknown", "teacher.classes", "6 of the 10"],
    [
      { group: [member, member], combine: "merge", weights: "confidence" },
      "option-conflict",
      "teacher.weights",
      "merge",
    ],
  ];
  for (const [teacher, code, where, found] of cases)
    await assert.rejects(
      distill({ ...recipe, teacher }, { out: join(folder, "bad"), threads: 1 }),
      faultLike({ code, where, found: [found] }),
    );
});
