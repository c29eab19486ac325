/** A teacher that is an ONNX file. */
import { dataOfClasses, knownClasses, partialTeacher } from "../../../learn/teacher/partial.js";
import { openOnnxTeacher } from "../../../learn/teacher/onnx.js";
import { loadModelFile } from "../../../node/model-file.js";
import { featuresOf } from "../known-teacher.js";
import { labelSource } from "../label-source.js";
import { onnxTeacherFile, onnxTeacherOptions } from "../onnx-teacher.js";
import { namesOf, probeOf } from "../partial-teachers.js";
import type { TeacherEntry } from "../teacher-entry.js";
import { type FileTeacherPlan, fileTeacherSchema } from "./file-schema.js";

const schema = () => fileTeacherSchema;

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    file: typeof schema;
  }
}

export const fileTeacher: TeacherEntry<FileTeacherPlan> = {
  kind: "file",
  mark: "file",
  schema,
  words: "an ONNX file (file)",
  starter: {
    name: "file",
    lines: () => [
      { field: "file", value: "my-teacher.onnx", note: "CHANGE: any ONNX classifier; relative to this file" },
      { field: "output", value: "logits", off: true },
      { field: "outputs", value: "auto" },
      { field: "layout", value: "auto" },
      { field: "normalise", value: "auto" },
      { field: "classes", value: ["dog", "cat"], off: true },
      { field: "batch", value: 64 },
    ],
  },
  classes: ({ classes }) => classes,
  knowsFurtherClasses: true,
  modelFile: (settings, folder) => onnxTeacherFile(settings, folder),
  forSeed: ({ file, ...rest }, n) => ({ ...rest, file: file.replaceAll("{n}", String(n)) }),
  perSeed: ({ file }) => file.includes("{n}"),
  improvement: "set teacher.file to a better model, or correct teacher.normalise and teacher.layout",
  trainedOn: ({ trainedOn }) => trainedOn ?? "unknown: the teacher is a file and may have seen any of this data",
  description({ file: _, precision: __, allowChance: ___, ...description }) {
    return description;
  },
  open(settings, { loaded, folder, probe, threads, features, n, allowChance }) {
    const { path, ...options } = onnxTeacherOptions(settings, loaded, folder, n);
    const asked = { ...options, ...(allowChance ? { allowChance } : {}), threads, features };
    return openOnnxTeacher(path, loaded.data, probe, asked);
  },
  prepare(settings, request) {
    const { context, seed } = request;
    const { loaded, folder, plan, execution } = context;
    const { data } = loaded;
    // It may know classes besides that this data has not.
    const known = knownClasses(settings.classes, data, true);
    const seen = known ? dataOfClasses(data, namesOf(known, data)) : data;
    const { path, ...options } = onnxTeacherOptions(settings, loaded, folder, seed - plan.seed + 1);
    const { threads } = execution;
    return labelSource(
      {
        async open(features) {
          const raw = await openOnnxTeacher(path, seen, probeOf(context, seen), { ...options, threads, features });
          return known ? partialTeacher(raw, known, data.classes.length) : raw;
        },
        precision: settings.precision,
        known,
        trained: null,
        trainedOn: settings.trainedOn ?? "unknown: the teacher is a file and may have seen any of this data",
        file: path,
      },
      request,
    );
  },
  known(settings, _, folder) {
    const path = onnxTeacherFile(settings, folder);
    const { model } = loadModelFile(path);
    // Shape rules are asked about one sample; of a file with a batch of its own only a call tells which dimension holds it.
    const [batch] = model.graph.inputs[0]?.shape ?? [];
    const alone = typeof batch !== "number" || batch === 1;
    return { features: featuresOf(model, `teacher ${path}`, alone), classifier: null };
  },
};
