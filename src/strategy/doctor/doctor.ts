/** What goes wrong in practice, looked for before anything is trained: what stands behind `limbeck doctor`. */
import { resolve } from "node:path";
import type { DataConfig } from "../../data/config.js";
import { loadData } from "../../data/load.js";
import type { LoadedData } from "../../data/types.js";
import { parseRecipe } from "../../recipe/load.js";
import { camelKeys, objectiveOf } from "../../recipe/resolve.js";
import type { Recipe, RecipeInput } from "../../recipe/schema.js";
import { openOnnxTeacher } from "../../teacher/onnx.js";
import { readLabelStore } from "../../teacher/store.js";
import { onnxTeacherOptions } from "../teachers.js";
import { probeLoss } from "./loss-probe.js";
import { selection } from "./selection.js";
import { softTargets, teacherOrder } from "./teacher-answers.js";
import { teacherMode } from "./teacher-mode.js";
import { temperature } from "./temperature.js";
import { termScales } from "./term-scales.js";
import type { Check, Finding, Patient } from "./types.js";

/** All checks, in the order of the report. */
const CHECKS: readonly Check[] = [
  selection,
  unasked,
  teacherMode,
  teacherOrder,
  softTargets,
  temperature,
  ({ objective: { distillationLoss: loss } }) => (loss && loss.kind !== "mutual" ? probeLoss(loss) : []),
  termScales,
];

/** Samples the teacher is asked about. */
const ASKED = 1000;

/**
 * Checks a recipe. The test part is only compared with the others, never answered.
 * @param options.folder where relative paths start; default the working folder
 * @throws InputError when recipe, data or teacher cannot be read
 */
export async function examine(input: RecipeInput, options: { readonly folder?: string } = {}): Promise<Finding[]> {
  const recipe = parseRecipe(input);
  const folder = options.folder ?? process.cwd();
  const loaded = await loadData(camelKeys(recipe.data) as DataConfig, { folder });
  const asked = await askTeacher(recipe, folder, loaded);
  const patient: Patient = { recipe, folder, loaded, objective: objectiveOf(recipe.objective), ...asked };
  const findings: Finding[] = [];
  for (const check of CHECKS) findings.push(...(await check(patient)));
  return findings;
}

/** What cannot be looked at is said, not passed over. */
function unasked({ answers, recipe: { teacher } }: Patient): Finding[] {
  if (answers) return [];
  const several = "group" in teacher;
  return [
    {
      check: "teacher's answers",
      status: "warn",
      found: `not looked at: the teacher ${several ? "is several" : "url" in teacher ? "is an endpoint" : "is still to be trained"}`,
      why: "order, classes, softness and term scales are known only from answers",
      change: `${several ? "`limbeck label` the data with each of them and examine one at a time:" : "`limbeck label` the data, then"} --set 'teacher={label_store: FOLDER}'`,
    },
  ];
}

async function askTeacher(
  { teacher }: Recipe,
  folder: string,
  loaded: LoadedData,
): Promise<Pick<Patient, "answers" | "again" | "teacherFile">> {
  const { data, splits } = loaded;
  const indices = (splits.validation.length >= 50 ? splits.validation : splits.train).slice(0, ASKED);
  if ("label_store" in teacher) {
    const store = readLabelStore(resolve(folder, teacher.label_store), data);
    const classes = store.header.classes.length;
    const values = new Float32Array(indices.length * classes);
    store.gather(indices, values);
    return { answers: { values, indices, kind: store.kind, classes }, again: null, teacherFile: null };
  }
  if (!("file" in teacher)) return { answers: null, again: null, teacherFile: null };
  const { path, ...settings } = onnxTeacherOptions(teacher, loaded, folder);
  // What it knows is a finding here, not a reason to stop.
  const opened = await openOnnxTeacher(path, data, indices, { ...settings, threads: 1, allowChance: true });
  try {
    const { classes, kind } = opened;
    const values = await opened.answer(data, indices);
    const backwards = await opened.answer(data, indices.slice().reverse());
    const again = new Float32Array(values.length);
    for (let i = 0; i < indices.length; i++) {
      const from = (indices.length - 1 - i) * classes;
      again.set(backwards.subarray(from, from + classes), i * classes);
    }
    return { answers: { values, indices, kind, classes }, again, teacherFile: path };
  } finally {
    await opened.dispose();
  }
}
