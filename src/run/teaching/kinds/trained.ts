/** A teacher that limbeck trains on labels first. */
import { z } from "zod";
import { noun } from "../../../base/noun.js";
import { assembled } from "../../../base/registry.js";
import { rate } from "../../../base/schema-fields.js";
import { RAW } from "../../../learn/data/normalise.js";
import type { ClassifierOptions } from "../../../learn/teacher/classifier.js";
import { openOnnxTeacher } from "../../../learn/teacher/onnx.js";
import { knownClasses, partialTeacher } from "../../../learn/teacher/partial.js";
import type { RunContext } from "../../folder/context.js";
import { modelSchema, trainingSchema } from "../../recipe/schema/schema.js";
import { fit } from "../../students/fit.js";
import type { Fitted } from "../../students/fitted.js";
import { prepareModel } from "../../students/prepare.js";
import type { Arm } from "../arm.js";
import { teacherToBe } from "../known-teacher.js";
import { labelSource } from "../label-source.js";
import { probeOf, samplesOfClasses } from "../partial-teachers.js";
import { PLAIN_STEP } from "../step-teacher.js";
import type { TeacherEntry, TeacherOf, TeacherRequest } from "../teacher-entry.js";
import { partOfClasses, storePrecision } from "./fields.js";

const schema = assembled(() =>
  z.strictObject({
    model: modelSchema(),
    training: trainingSchema,
    labelSmoothing: rate.default(0).describe("Label smoothing when training the teacher"),
    trainOn: z
      .enum(["all", "labelled", "disjoint-half"])
      .default("all")
      .describe(
        "Labelled training samples that the teacher sees: all of them, only those the student may use, or one half while the student gets the other half",
      ),
    classes: partOfClasses,
    seeds: z.enum(["one", "each"]).default("one").describe('"each" trains one teacher per seed'),
    precision: storePrecision,
  }),
);

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    trained: typeof schema;
  }
}

type TrainedTeacher = TeacherOf<"trained">;

export const trainedTeacher: TeacherEntry<TrainedTeacher> = {
  kind: "trained",
  mark: "model",
  schema,
  words: "a model to train (model, training)",
  starter: {
    name: "model",
    temperature: 4,
    lines: ({ images }) => [
      {
        field: "model",
        value: images ? { kind: "preset", name: "fashion-teacher" } : { kind: "mlp", hidden: [256, 256] },
      },
      { field: "training.epochs", value: 30 },
      { field: "training.batch", value: 32 },
      { field: "training.schedule", value: { kind: "one-cycle", lr: 0.005 } },
      { field: "trainOn", value: "all" },
      { field: "seeds", value: "one" },
    ],
  },
  trained: (settings) => settings,
  classes: ({ classes }) => classes,
  perSeed: ({ seeds }) => seeds === "each",
  unasked: "the teacher has not been trained yet",
  improvement: "train a better teacher: longer (teacher.training) or larger (teacher.model)",
  async prepare(settings, request) {
    const { context, arm, seed, member } = request;
    const { data } = context.loaded;
    const known = knownClasses(settings.classes, data);
    const samples = known ? samplesOfClasses(context, arm.teacherSamples, known) : arm.teacherSamples;
    const trained = await train(context, { ...settings, samples }, seed, member);
    const asked = { ...OWN_EXPORT, name: trained.request.name, threads: context.execution.threads };
    return labelSource(
      {
        async open(features) {
          const raw = await openOnnxTeacher(trained.file, data, probeOf(context, data), { ...asked, features });
          return known ? partialTeacher(raw, known, data.classes.length) : raw;
        },
        precision: settings.precision,
        known,
        trained,
        trainedOn: `${noun(samples.length, "sample")} with labels${overlap(arm, samples)}`,
        file: trained.file,
      },
      request,
    );
  },
  async stepTeacher({ model }, { loaded, folder, classes }) {
    const prepared = prepareModel(model, { folder, data: loaded.data, classes, seed: 0 });
    const known = teacherToBe(prepared, "teacher.model", loaded.normalisation);
    const features = known.features.flatMap((f) => (f.shape ? [{ ...f, shape: f.shape }] : []));
    const classifier = known.classifier;
    const reusable = { name: "teacher", features, classifier: classifier ? () => classifier : null };
    return { ...PLAIN_STEP, kind: "logits", classes, features, reusable };
  },
};

/** How models are asked that limbeck exported. */
export const OWN_EXPORT = {
  outputs: "logits",
  layout: "nchw",
  resize: "none",
  normalisation: RAW,
  batch: 256,
  allowChance: true,
} as const satisfies ClassifierOptions;

function overlap(arm: Arm, samples: Uint32Array): string {
  const seen = new Set(samples);
  const shared = arm.transfer.reduce((n, i) => n + Number(seen.has(i)), 0);
  if (shared === 0) return ", none of them shared with the student";
  return shared === arm.transfer.length
    ? ", including all that the student sees"
    : `, including ${shared} of the ${arm.transfer.length} that the student sees`;
}

function train(
  context: RunContext,
  teacher: TrainedTeacher & { readonly samples: Uint32Array },
  seed: number,
  member: TeacherRequest["member"],
): Promise<Fitted> {
  const name = member === undefined ? "teacher" : `teacher ${member}`;
  // Teachers of one kind would be one teacher if they began alike.
  const shift = ((member ?? 1) - 1) * context.plan.seeds;
  return fit(context, {
    name: teacher.seeds === "each" ? `${name}, seed ${seed}` : name,
    role: "teacher",
    model: teacher.model,
    training: teacher.training,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy", labelSmoothing: teacher.labelSmoothing } },
    samples: teacher.samples,
    seed: shift + (teacher.seeds === "each" ? seed : context.plan.seed),
  });
}
