/** A kind of teacher that is registered from outside of src/. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { z } from "zod";
import {
  distill,
  labelData,
  parseRecipe,
  type RecipeInput,
  registerTeacher,
  type Teacher,
  type TeacherEntry,
} from "../../src/index.js";
import { faultLike, inRecipe } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Oracle {
  readonly sureness: number;
}

/** It reads the label off the sample's own row and says it with this logit. */
const oracle: TeacherEntry<Oracle> = {
  kind: "oracle",
  mark: "sureness",
  schema: () => z.strictObject({ sureness: z.number().positive().describe("Logit of the right class") }),
  trainedOn: () => "nothing: it is told the labels",
  async open({ sureness }, { loaded: { data } }): Promise<Teacher> {
    const classes = data.classes.length;
    return {
      name: "oracle",
      hash: `oracle ${sureness}`,
      preprocessing: "",
      kind: "logits",
      classes,
      batch: 64,
      parameters: null,
      bytes: 0,
      notes: [],
      async answer(asked, indices) {
        const answers = new Float32Array(indices.length * classes);
        indices.forEach((sample, row) => {
          answers[row * classes + (asked.labels?.[sample] ?? 0)] = sureness;
        });
        return answers;
      },
      dispose: async () => {},
    };
  },
};

/** The types know limbeck's own kinds. */
const recipe = (teacher: unknown): RecipeInput =>
  ({
    name: "told",
    data: { source: "digits" },
    teacher,
    student: { kind: "mlp", hidden: [16] },
    training: { epochs: 8, schedule: { kind: "one-cycle", lr: 0.01 } },
    objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 1 } },
  }) as RecipeInput;

test("a recipe names it by its mark while it is registered, and it teaches as any other", async () => {
  const told = recipe({ sureness: 5 });
  assert.throws(() => parseRecipe(told), inRecipe("teacher", "option-invalid"));
  const remove = registerTeacher(oracle);
  try {
    const { directory, summary } = await distill(told, { out: join(folder, "run") });
    const row = (role: string) => summary.models.find((m) => m.role === role);
    assert.equal(row("teacher")?.accuracy?.mean, 1);
    assert.equal(row("teacher")?.trainedOn, "nothing: it is told the labels");
    assert.ok((row("student")?.accuracy?.mean ?? 0) > 0.8);
    assert.match(readFileSync(join(directory, "recipe.yaml"), "utf8"), /^teacher:\n {2}sureness: 5$/m);
    const { accuracy, kind } = await labelData(told, { out: join(folder, "store") });
    assert.deepEqual([kind, accuracy], ["logits", { train: 1, validation: 1 }]);
  } finally {
    remove();
  }
  assert.throws(() => parseRecipe(told), inRecipe("teacher", "option-invalid"));
});

test("it may be a member of a group, and answers for views", async () => {
  const remove = registerTeacher(oracle);
  try {
    const group = { group: [{ sureness: 4 }, { sureness: 8 }], combine: "mean-logits" };
    const base = recipe(group);
    const views = {
      ...base,
      training: { ...base.training, augment: { mixup: { alpha: 1 } } },
      baseline: false,
    };
    const { summary } = await distill(views, { out: join(folder, "group") });
    assert.equal(summary.models.find((m) => m.role === "teacher")?.accuracy?.mean, 1);
  } finally {
    remove();
  }
});

test("a recipe's fields tell every kind from the others", () => {
  const conflict = (where: string, field: string) =>
    faultLike({ code: "option-conflict", where: `teacher "${where}"`, found: [`the field "${field}"`] });
  const own = oracle as TeacherEntry;
  // It would be recognised by the mark of the ONNX file.
  assert.throws(() => registerTeacher({ ...own, mark: "file" }), conflict("oracle", "file"));
  const schema = () => z.strictObject({ sureness: z.number(), model: z.string() });
  assert.throws(() => registerTeacher({ ...own, schema }), conflict("oracle", "model"));
  // An endpoint may say its batch.
  assert.throws(() => registerTeacher({ ...own, mark: "batch" }), conflict("oracle", "batch"));
  assert.throws(
    () => registerTeacher({ ...own, kind: "file" }),
    faultLike({ code: "option-conflict", where: 'teacher "file"', found: ["there is one of this kind already"] }),
  );
});
