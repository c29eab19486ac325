/** A teacher whose answers are there already: a label store. */
import { resolve } from "node:path";
import { z } from "zod";
import { file } from "../../../base/schema-fields.js";
import { knownClasses } from "../../../learn/teacher/partial.js";
import { readLabelStore } from "../../../learn/teacher/store/store.js";
import { fingerprint } from "../../folder/context.js";
import { storeOfClasses } from "../partial-teachers.js";
import { PLAIN_STEP } from "../step-teacher.js";
import type { TeacherEntry, TeacherOf } from "../teacher-entry.js";
import { partOfClasses } from "./fields.js";

const schema = () => fields;

const fields = z.strictObject({
  labelStore: file("Folder written by `limbeck label`"),
  classes: partOfClasses,
});

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    store: typeof schema;
  }
}

export const storeTeacher: TeacherEntry<TeacherOf<"store">> = {
  kind: "store",
  mark: "labelStore",
  schema,
  words: "a label store (label_store)",
  starter: {
    name: "store",
    lines: () => [
      { field: "labelStore", value: "label-stores/my-teacher", note: "CHANGE: folder written by `limbeck label`" },
    ],
  },
  classes: ({ classes }) => classes,
  store: ({ labelStore }, folder) => resolve(folder, labelStore),
  cannotAnswerViews: () => ({
    reason: "teacher.label_store only holds answers",
    cure: "Give a model or a file",
  }),
  improvement: "label with a better teacher, and set teacher.label_store to the new folder",
  async prepare({ labelStore, classes }, { context: { folder, loaded } }) {
    const found = readLabelStore(resolve(folder, labelStore), loaded.data);
    const known = knownClasses(classes, loaded.data);
    const store = known ? storeOfClasses(found, known) : found;
    const { teacherHash, preprocessing, kind, precision, outputsHash, teacher: name } = store.header;
    // What is in it, not where it lies: it may be moved.
    const answers = outputsHash ?? store.folder;
    return {
      key: fingerprint(teacherHash, preprocessing, kind, precision, answers, ...(known ? [known] : [])),
      name,
      store,
      trainedOn: "unknown: the answers come from a label store",
      fitted: null,
      file: null,
      bytes: 0,
      parameters: null,
      ...(known ? { knows: known } : {}),
    };
  },
  async stepTeacher({ labelStore }, { loaded, folder }) {
    const store = readLabelStore(resolve(folder, labelStore), loaded.data, { checkHash: false });
    return { ...PLAIN_STEP, kind: store.kind, classes: store.header.classes.length, features: store.features };
  },
  known: ({ labelStore }, { data }, folder) => ({
    features: readLabelStore(resolve(folder, labelStore), data).features,
    classifier: null,
  }),
};
