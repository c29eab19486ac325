/** The recipes we ship, and what every recipe goes through: defaults, --set, errors in the user's words. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { after, test } from "node:test";
import { stringify } from "yaml";
import { distill, InputError, loadRecipe, parseRecipe } from "../../../src/index.js";
import { recipeToYaml } from "../../../src/run/recipe/load.js";
import { openSession } from "../../../src/node/session.js";
import { inRecipe } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-recipes-"));
const home = process.cwd();
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});
const shipped = readdirSync("recipes", { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => resolve("recipes", name));

test("every recipe we ship is valid, named after its file, and says in a comment how to get its data", () => {
  assert.deepEqual(shipped.map((f) => relative("recipes", f).replaceAll("\\", "/")).sort(), [
    "any-onnx-teacher.yaml",
    "digits.yaml",
    "fashion-mnist-full.yaml",
    "fashion-mnist.yaml",
    "keras-tutorial.yaml",
    "letters.yaml",
    "results/all-labels.yaml",
    "results/assistants.yaml",
    "results/born-again.yaml",
    "results/consistent.yaml",
    "results/features.yaml",
    "results/few-labels.yaml",
    "results/labels-3.yaml",
    "results/ladder.yaml",
    "results/mutual.yaml",
    "results/noisy-student.yaml",
    "results/omitted.yaml",
    "results/patience.yaml",
    "results/several-teachers.yaml",
    "results/teacher-free.yaml",
    "results/teacher.yaml",
    "results/temperature-30.yaml",
    "results/temperature-300.yaml",
    "results/transformers.yaml",
  ]);
  for (const file of shipped) {
    const { recipe } = loadRecipe(file);
    if (!file.endsWith("any-onnx-teacher.yaml")) assert.ok(file.endsWith(`${recipe.name}.yaml`), file);
    assert.match(readFileSync(file, "utf8"), /^#/);
  }
});

test("a recipe with its defaults filled in is its own default: run folders can be run again", () => {
  for (const file of shipped) {
    const { recipe } = loadRecipe(file);
    const copy = join(folder, "copy.yaml");
    writeFileSync(copy, recipeToYaml(recipe));
    assert.deepEqual(loadRecipe(copy).recipe, recipe, file);
  }
});

const smallest = {
  name: "small",
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [8] }, training: { epochs: 2 } },
  student: { kind: "mlp", hidden: [4] },
  training: { epochs: 2 },
} as const;

test("--set changes one field, of any type, and leaves the rest", () => {
  const changed = parseRecipe(smallest, "r.yaml", [
    "objective.alpha=0.25",
    "student.hidden=[5, 6]",
    "teacher.training.epochs=3",
  ]);
  assert.equal(changed.objective.alpha, 0.25);
  assert.deepEqual("hidden" in changed.student && changed.student.hidden, [5, 6]);
  const plain = parseRecipe(smallest);
  assert.deepEqual(changed.objective.distillation_loss, plain.objective.distillation_loss);
  assert.deepEqual(changed.data, plain.data);
});

test("a file named by --set starts at the working folder, one in the recipe at the recipe's", () => {
  const recipe = join(folder, "r.yaml");
  writeFileSync(recipe, stringify({ ...smallest, data: { source: "table", path: "there.csv", label: "y" } }));
  writeFileSync(join(folder, "here.csv"), "");
  process.chdir(folder);
  try {
    const pathOf = (...set: string[]): string => (loadRecipe(recipe, set).recipe.data as { path: string }).path;
    assert.equal(pathOf(), "there.csv");
    assert.equal(pathOf("data.path=here.csv"), resolve("here.csv"));
    // A file that is nowhere is missed where it was looked for first; in a mapping names mean the same.
    assert.equal(pathOf("data.path=nowhere.csv"), resolve("nowhere.csv"));
    assert.equal(pathOf("data={source: table, path: here.csv, label: y}"), resolve("here.csv"));
    process.chdir(home);
    assert.equal(pathOf("data.path=here.csv"), "here.csv");
  } finally {
    process.chdir(home);
  }
});

for (const [what, value, where, found] of [
  ["an unknown key", { ...smallest, studnet: {} }, "studnet", /unknown/],
  ["an unknown key inside", { ...smallest, training: { epochs: 2, epoch: 3 } }, "training.epoch", /unknown/],
  ["an unknown kind", { ...smallest, student: { kind: "mpl", hidden: [] } }, "student.kind", /"mpl"/],
  ["a wrong type", { ...smallest, seeds: "five" }, "seeds", /"five"/],
  ["a missing part", { name: "x", data: { source: "digits" } }, "student", /missing/],
  ["alpha beyond 1", { ...smallest, objective: { alpha: 1.5 } }, "objective.alpha", /1\.5/],
  [
    "a temperature of 0",
    { ...smallest, objective: { distillation_loss: { kind: "kd", temperature: 0 } } },
    "objective.distillation_loss.temperature",
    /0/,
  ],
] as const) {
  test(`${what} is an error that names the field`, () => {
    assert.throws(
      () => parseRecipe(value, "r.yaml"),
      (e) => {
        assert.ok(e instanceof InputError);
        assert.deepEqual([e.code, e.where], ["recipe-invalid", "r.yaml"]);
        assert.ok(e.details?.some((d) => d.where === where && found.test(d.found)));
        return true;
      },
    );
  });
}

test("no recipe at all is an error that says what was found", () => {
  const fault = { code: "recipe-invalid", where: "r.yaml", found: /"digits"/, expected: /mapping/ };
  assert.throws(() => parseRecipe("digits", "r.yaml"), fault);
});

test("the letters recipe runs on a table of its form: no header line, 26 classes, sixteen integers", async () => {
  // Sixteen numbers around each letter's own; the values come from a small generator, not from the data set.
  let state = 7;
  const next = (n: number): number => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
  const centres = Array.from({ length: 26 }, () => Array.from({ length: 16 }, () => 2 + next(11)));
  const lines = Array.from({ length: 2600 }, (_, i) => {
    const values = (centres[i % 26] as number[]).map((c) => c + next(5) - 2);
    return [String.fromCharCode(65 + (i % 26)), ...values].join(",");
  });
  const path = join(folder, "letter-recognition.data");
  writeFileSync(path, `${lines.join("\n")}\n`);
  const { recipe } = loadRecipe(resolve("recipes/letters.yaml"), [
    `data.path=${path}`,
    "seeds=2",
    "variants=[]",
    "transfer.labelled=104",
    "training.steps=300",
    "teacher.training.epochs=6",
  ]);
  const { summary, student } = await distill(recipe, { out: join(folder, "run"), threads: 1 });
  assert.deepEqual(
    summary.data.classes,
    Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i)),
  );
  assert.deepEqual(summary.data.sampleShape, [16]);
  const by = (role: string) => summary.models.find((m) => m.role === role);
  assert.equal(by("teacher")?.parameters, 142618);
  assert.equal(by("student")?.parameters, 2778);
  assert.ok((by("student")?.accuracy?.mean ?? 0) > 0.8, `accuracy ${by("student")?.accuracy?.mean}`);

  // The student's file takes the raw integers: standardisation is inside. A letter's own centre is that letter.
  const session = await openSession(student, { threads: 1 });
  const { logits } = await session.run({
    input: { dtype: "float32", shape: [26, 16], data: Float32Array.from(centres.flat()) },
  });
  await session.dispose();
  const right = centres.filter((_, i) => {
    const row = Array.from((logits?.data as Float32Array).subarray(i * 26, i * 26 + 26));
    return row.indexOf(Math.max(...row)) === i;
  });
  assert.ok(right.length >= 22, `${right.length} of 26`);
});

test("classes are named by text or by number wherever a recipe names them", () => {
  const named = (zero: string | number, one: string | number): Parameters<typeof parseRecipe>[0] => ({
    name: "numbers",
    data: { source: "digits", classes: [zero, one, "two"] },
    teacher: {
      group: [
        { file: "a.onnx", classes: [zero, one] },
        { label_store: "b", classes: [one, zero] },
        { url: "http://localhost/", answers: "logits", classes: [one, zero] },
        { model: { kind: "mlp", hidden: [8] }, training: { epochs: 1 }, classes: [zero, one] },
      ],
      combine: "merge",
    },
    student: { kind: "mlp", hidden: [8] },
    training: { epochs: 1 },
    transfer: { omit_classes: [one], only_classes: [zero] },
  });
  const recipe = parseRecipe(named(0, 1));
  assert.deepEqual(recipe, parseRecipe(named("0", "1")));
  assert.deepEqual(recipe.transfer.omit_classes, ["1"]);
  assert.throws(() => parseRecipe(named(0.5, 1)), inRecipe("teacher.group.0.classes.0", "option-invalid", /0\.5/));
});

test("YAML's anchors and merge keys say a thing once", () => {
  const file = join(folder, "merged.yaml");
  writeFileSync(
    file,
    `data: { source: digits }
student: &small { kind: mlp, hidden: [8] }
teacher: { model: { <<: *small, hidden: [64] }, training: { steps: 5 } }
training: { steps: 5 }
`,
  );
  const { recipe } = loadRecipe(file);
  assert.deepEqual("model" in recipe.teacher && recipe.teacher.model, { ...recipe.student, hidden: [64] });
});
