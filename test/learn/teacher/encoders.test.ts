/** Encoders with several inputs as teachers: their answers are PyTorch's (test/fixtures/encoders/make.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type DataSet, fromArrays, InputError } from "../../../src/index.js";
import { RAW } from "../../../src/learn/data/normalise.js";
import { openOnnxTeacher } from "../../../src/learn/teacher/onnx.js";

interface Encoder {
  readonly inputs: Readonly<Record<string, number[][]>>;
  readonly logits: number[][];
}

const folder = join(process.cwd(), "test", "fixtures", "encoders");
const encoders = JSON.parse(readFileSync(join(folder, "encoders.json"), "utf8")) as Record<string, Encoder>;
const file = (name: string): string => join(folder, `${name}.onnx`);
const whole = (rows: readonly number[][]): Int32Array[] => rows.map((r) => Int32Array.from(r));
const options = {
  ...({ outputs: "logits", layout: "auto", resize: "auto", normalisation: RAW } as const),
  ...{ batch: 3, allowChance: true, threads: 1 },
};
const every = Uint32Array.of(0, 1, 2, 3);

async function answersOf(
  name: string,
  data: DataSet,
  more: object = {},
): Promise<{ answers: Float32Array; notes: readonly string[] }> {
  const teacher = await openOnnxTeacher(file(name), data, every, { ...options, ...more });
  try {
    return { answers: await teacher.answer(data, every), notes: teacher.notes };
  } finally {
    await teacher.dispose();
  }
}

const near = (own: Float32Array, theirs: readonly number[]): void => {
  assert.equal(own.length, theirs.length);
  for (const [i, v] of theirs.entries()) assert.ok(Math.abs((own[i] as number) - v) < 1e-4, `${own[i]} is not ${v}`);
};

for (const [name, { inputs, logits }] of Object.entries(encoders)) {
  const arrays = Object.fromEntries(Object.entries(inputs).map(([input, rows]) => [input, whole(rows)]));
  test(`${name}: both exports answer as PyTorch does`, async () => {
    const data = fromArrays({ inputs: arrays });
    for (const exporter of ["torchscript", "dynamo"]) {
      const { answers } = await answersOf(`${name}-${exporter}`, data);
      near(answers, logits.flat());
    }
  });
}

test("the mask is made from the padding id, an array with another name is mapped, and both are said", async () => {
  const { inputs, logits } = encoders.roberta as Encoder;
  const data = fromArrays({ inputs: { words: whole(inputs.input_ids as number[][]) } });
  const more = { inputs: { input_ids: "words" }, paddingId: 1 };
  const { answers, notes } = await answersOf("roberta-dynamo", data, more);
  near(answers, logits.flat());
  assert.ok(notes.some((n) => n.includes("input_ids (from words)")));
  assert.ok(notes.some((n) => n.includes('"attention_mask" is made from "words"')));
  await assert.rejects(answersOf("roberta-dynamo", data, { inputs: { input_ids: "words" } }), {
    code: "option-missing",
    where: "data.padding_id",
  });
});

test("refused: fractional numbers where a model takes whole ones", async () => {
  const { inputs } = encoders.distilbert as Encoder;
  const ids = whole(inputs.input_ids as number[][]);
  const data = fromArrays({
    inputs: { input_ids: ids, attention_mask: ids.map((r) => Float32Array.from(r, (v) => v / 2)) },
  });
  await assert.rejects(
    answersOf("distilbert-dynamo", data),
    (e: unknown) => e instanceof InputError && e.code === "model-input" && e.found.includes('"attention_mask"'),
  );
});
