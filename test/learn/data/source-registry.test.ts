/** A source that is registered from outside is one like the others, until it is taken away. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import {
  fileField,
  loadData,
  parseRecipe,
  registerSource,
  type SourceEntry,
  starterRecipe,
} from "../../../src/index.js";
import { planOf } from "../../../src/run/recipe/load.js";
import { withAbsoluteFiles } from "../../../src/run/recipe/paths.js";

const schema = z.strictObject({
  source: z.literal("letters").describe("A letter for each sample: its code is the only feature"),
  textFile: fileField("Text"),
  separator: z.string().default(" ").describe("Between two letters"),
});

const letters: SourceEntry<typeof schema> = {
  kind: "letters",
  schema,
  starter: {
    lines: [
      { field: "textFile", value: "letters.txt", note: "CHANGE: the text" },
      { field: "separator", value: ";", off: true },
    ],
    student: { kind: "mlp", hidden: [5] },
  },
  read({ textFile, separator }, { folder }) {
    const found = readFileSync(resolve(folder, textFile), "utf8").split(separator);
    return {
      name: "letters",
      sampleShape: [1],
      train: {
        samples: Float32Array.from(found, (letter) => letter.charCodeAt(0)),
        labels: found.map((letter) => ("aeiou".includes(letter) ? "vowel" : "consonant")),
      },
      test: null,
      defaultNormalise: "standard",
      unit: 1,
    };
  },
};

const whole = (data: object): object => ({
  data,
  teacher: { file: "teacher.onnx" },
  student: { kind: "mlp", hidden: [2] },
  training: { epochs: 1 },
});

test("a registered source is read, split and normalised", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-letters-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "letters.txt"), "a;b;e;c;i;d;o;f;u;g");
  const remove = registerSource(letters);
  try {
    const data = { source: "letters", text_file: "letters.txt", separator: ";", split: { validation: 2, test: 2 } };
    const loaded = await loadData(data as never, { folder });
    assert.deepEqual(loaded.data.classes, ["consonant", "vowel"]);
    assert.deepEqual([...(loaded.data.samples as Float32Array)], [97, 98, 101, 99, 105, 100, 111, 102, 117, 103]);
    assert.deepEqual([...(loaded.data.labels as Iterable<number>)], [1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    const { train, validation, test: judged } = loaded.splits;
    assert.deepEqual([train.length, validation.length, judged.length], [6, 2, 2]);
    const mean = [...train].reduce((sum, i) => sum + ((loaded.data.samples as Float32Array)[i] as number) / 6, 0);
    assert.ok(Math.abs((loaded.normalisation.mean[0] as number) - mean) < 1e-4);
  } finally {
    remove();
  }
});

test("recipes spell its fields in snake_case, know which of them are paths, and give it the common ones", () => {
  const remove = registerSource(letters);
  try {
    const { data } = parseRecipe(whole({ source: "letters", text_file: "letters.txt" }));
    assert.deepEqual(data, {
      source: "letters",
      text_file: "letters.txt",
      separator: " ",
      labels: "use",
      split: { stratify: true, seed: 0 },
    });
    const plan = planOf(whole({ source: "letters", text_file: "letters.txt", separator: "x" }));
    const moved = withAbsoluteFiles(plan, "/somewhere").data as { textFile?: string; separator?: string };
    assert.deepEqual([moved.textFile, moved.separator], [resolve("/somewhere", "letters.txt"), "x"]);
    assert.throws(() => parseRecipe(whole({ source: "letters", text_fil: "letters.txt" })), /text_file/);
    assert.throws(() => registerSource(letters), { code: "option-conflict", where: 'source "letters"' });
  } finally {
    remove();
  }
  assert.throws(() => parseRecipe(whole({ source: "letters", text_file: "letters.txt" })), /data\.source/);
});

test("limbeck init writes its lines, with what its schema says of them", () => {
  const remove = registerSource(letters);
  try {
    const lines = starterRecipe({ data: "letters" as never, teacher: "file" }).split("\n");
    const at = lines.indexOf("  source: letters");
    assert.deepEqual(lines.slice(at - 1, at + 5), [
      "  # A letter for each sample: its code is the only feature",
      "  source: letters",
      "  # CHANGE: the text",
      "  text_file: letters.txt",
      "  # Between two letters",
      '  # separator: ";"',
    ]);
    assert.ok(lines.includes("  hidden: [5]"));
  } finally {
    remove();
  }
  assert.throws(() => starterRecipe({ data: "letters" as never }), { code: "option-invalid", where: "data.source" });
});
