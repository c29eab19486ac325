/** The kinds of teacher a browser can be given. */
import { fileTeacherSchema, type FileTeacherInput } from "../run/teaching/kinds/file-schema.js";
import { z } from "zod";
import { modelSize } from "../engine/compile/parameters.js";
import { fillBatch } from "../learn/data/read.js";
import { allocateSamples } from "../learn/data/samples.js";
import type { DataSet, LoadedData } from "../learn/data/types.js";
import type { SampleArray } from "../engine/graph/samples.js";
import { InputError } from "../base/errors.js";
import { inferenceForm } from "../engine/graph/inference-form.js";
import { readModel } from "../engine/graph/read.js";
import { writeModel } from "../engine/graph/write.js";
import { noun } from "../base/noun.js";
import { sizeOf } from "../engine/graph/tensor.js";
import { parseParts } from "../run/recipe/parse.js";
import { type OnnxRuntime, openSessionOn } from "../engine/runtime/ort.js";
import { classifierOptions } from "../run/teaching/classifier-options.js";
import { askable } from "../learn/teacher/askable.js";
import { classifierTeacher } from "../learn/teacher/classifier.js";
import { asSaid } from "../learn/teacher/own-export.js";
import type { Teacher } from "../learn/teacher/types.js";

/** An ONNX model by its bytes, with what a recipe can say about one (outputs, layout, classes, normalise ...). */
export interface ModelTeacher extends Omit<FileTeacherInput, "file"> {
  readonly model: Uint8Array | ArrayBuffer;
}

/** Answers known already: one row a sample, in the order of the data given to `fit`. */
export interface KnownAnswers {
  /** [samples, classes] */
  readonly answers: Float32Array;
  /** Default "logits". */
  readonly kind?: "logits" | "probabilities";
}

/** Logits [count, classes] of `count` raw samples. */
export type AnswerFunction = (samples: SampleArray, count: number) => Float32Array | Promise<Float32Array>;

export type TeacherSource = Uint8Array | ArrayBuffer | ModelTeacher | KnownAnswers | AnswerFunction | Teacher;

const NAME = "the teacher";

/** @throws InputError when the teacher does not fit the data */
export async function openTeacher(
  source: TeacherSource,
  loaded: LoadedData,
  runtime: () => Promise<OnnxRuntime>,
  threads: number,
  features: readonly string[] = [],
): Promise<Teacher> {
  if (typeof source === "function") return functionTeacher(source, loaded.data);
  if ("answer" in source) return source;
  if ("answers" in source) return knownTeacher(source, loaded.data);
  const { model, ...described } = "model" in source ? source : { model: source as Uint8Array | ArrayBuffer };
  const bytes = asBytes(model);
  const recipe = parseParts(
    z.object({ teacher: fileTeacherSchema }),
    { teacher: { file: NAME, ...described } },
    "Distiller",
  ).teacher;
  const read = readModel(bytes, { where: NAME });
  const asked = askable(read, NAME, features);
  const opened = asked.model === read ? bytes : writeModel(asked.model);
  const session = await openSessionOn(await runtime(), opened, { threads });
  const probe = loaded.splits.validation.length >= 50 ? loaded.splits.validation : loaded.splits.train;
  const parameters = modelSize(read.graph).parameters;
  // Nothing is kept between visits, so nothing has to be recognised by a hash.
  const identity = {
    name: NAME,
    hash: "",
    parameters,
    bytes: bytes.length,
    model: () => inferenceForm(read, NAME).model,
    digest: (text: string) => text,
  };
  try {
    const said = asSaid({ ...classifierOptions(recipe, loaded), ownClasses: asked.classes, inner: asked.inner }, read);
    const teacher = await classifierTeacher(session, NAME, loaded.data, probe, said.options, identity);
    return { ...teacher, notes: [...said.notes, ...asked.notes, ...teacher.notes], warnings: asked.warnings };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** Bytes of either kind of buffer. */
export function asBytes(model: Uint8Array | ArrayBuffer): Uint8Array {
  return model instanceof Uint8Array ? model : new Uint8Array(model);
}

type Answering = Pick<Teacher, "kind" | "classes" | "answer">;

const plain = (rest: Answering): Teacher => ({
  name: NAME,
  hash: "",
  preprocessing: "",
  batch: 256,
  parameters: null,
  bytes: 0,
  notes: [],
  ...rest,
  dispose: async () => {},
});

function knownTeacher({ answers, kind = "logits" }: KnownAnswers, data: DataSet): Teacher {
  const classes = answers.length / data.size;
  const expected = data.classes.length;
  if (!Number.isInteger(classes) || classes < 2 || (expected > 0 && classes !== expected))
    throw new InputError({
      code: "array-mismatch",
      where: "teacher.answers",
      found: `found ${noun(answers.length, "value")} for ${noun(data.size, "sample")}`,
      expected: expected
        ? `${data.size * expected}: a row per sample, ${noun(expected, "class")} each`
        : "a row per sample, with at least 2 classes",
    });
  return plain({
    kind,
    classes,
    async answer(asked, indices) {
      if (asked !== data)
        throw new InputError({
          code: "store-mismatch",
          where: "teacher.answers",
          found: `they answer for the unchanged samples of "${data.name}", and answers for other samples are needed`,
          cure: 'With augment, fit with views: "clean", or give the teacher\'s model',
        });
      const rows = new Float32Array(indices.length * classes);
      indices.forEach((sample, i) => {
        rows.set(answers.subarray(sample * classes, (sample + 1) * classes), i * classes);
      });
      return rows;
    },
  });
}

async function functionTeacher(ask: AnswerFunction, data: DataSet): Promise<Teacher> {
  const answer = async (asked: DataSet, indices: Uint32Array): Promise<Float32Array> => {
    const size = sizeOf(asked.sampleShape);
    const samples = allocateSamples(asked.samples, indices.length * size);
    fillBatch(asked, indices, samples);
    return ask(samples, indices.length);
  };
  const classes = data.classes.length || (await answer(data, Uint32Array.of(0))).length;
  return plain({ kind: "logits", classes, answer });
}
