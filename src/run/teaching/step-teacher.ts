/** What a training step must know of a recipe's teacher, without a run: kinds of answers and shapes of inner values. */
import { resolve } from "node:path";
import type { StepOptions, TeacherFeature } from "../../engine/compile/step.js";
import type { LoadedData } from "../../learn/data/types.js";
import { fixedWeights } from "../../learn/teacher/group/group.js";
import { drawnKind } from "../../learn/teacher/group/member-outputs.js";
import { openOnnxTeacher } from "../../learn/teacher/onnx.js";
import { readLabelStore } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { SingleTeacherPlan, TeacherPlan } from "../recipe/schema/schema.js";
import { prepareModel } from "../students/prepare.js";
import { type Reusable, reusableOf } from "../students/reused-classifier.js";
import { teacherToBe } from "./known-teacher.js";
import { onnxTeacherOptions } from "./teachers.js";

export interface StepTeacher {
  readonly classes: number;
  /** Kind of its answers. */
  readonly kind: Teacher["kind"];
  readonly features: readonly TeacherFeature[];
  /** What a student may end in. */
  readonly reusable: Reusable | null;
  /** The teachers whose losses are averaged, where it is a group of that kind. */
  readonly members?: StepOptions["teacherMembers"];
  readonly weighed: boolean;
}

export interface StepTeacherOptions {
  readonly loaded: LoadedData;
  /** Paths start here. */
  readonly folder: string;
  readonly classes: number;
  /** Names or patterns of the inner values that the objective compares. */
  readonly layers: readonly string[];
  readonly threads: number;
}

/**
 * Looks at a teacher: a file is opened and asked about some samples, a label store is read, nothing is trained.
 * @returns null where the recipe has none
 * @throws InputError when the teacher does not fit the data
 */
export async function stepTeacherOf(teacher: TeacherPlan, options: StepTeacherOptions): Promise<StepTeacher | null> {
  if ("none" in teacher) return null;
  if (!("group" in teacher)) return singleOf(teacher, options);
  const members: StepTeacher[] = [];
  for (const member of teacher.group) members.push(await singleOf(member, options));
  const { combine, weights } = teacher;
  const confident = weights === "confidence";
  const drawnLogits = combine === "draw" && drawnKind(members) === "logits";
  const fixed = fixedWeights(weights === "confidence" ? undefined : weights, members.length);
  const each = members.map(({ kind }, i) => ({ kind, weight: fixed[i] as number }));
  return {
    classes: members[0]?.classes ?? 0,
    kind: combine === "mean-logits" || drawnLogits ? "logits" : "probabilities",
    features: [],
    reusable: null,
    ...(combine === "mean-losses" ? { members: each } : {}),
    weighed: combine === "mean-losses" && confident,
  };
}

/** What most teachers have not. */
const PLAIN = { features: [], reusable: null, weighed: false } as const;

async function singleOf(teacher: SingleTeacherPlan, options: StepTeacherOptions): Promise<StepTeacher> {
  const { loaded, folder, classes, layers, threads } = options;
  if ("url" in teacher) {
    const kind = teacher.answers === "logits" || teacher.answers === "log-probabilities" ? "logits" : "probabilities";
    return { ...PLAIN, kind, classes };
  }
  if ("labelStore" in teacher) {
    const store = readLabelStore(resolve(folder, teacher.labelStore), loaded.data, { checkHash: false });
    return { ...PLAIN, kind: store.kind, classes: store.header.classes.length, features: store.features };
  }
  if ("model" in teacher) {
    const prepared = prepareModel(teacher.model, { folder, data: loaded.data, classes, seed: 0 });
    const known = teacherToBe(prepared, "teacher.model", loaded.normalisation);
    const features = known.features.flatMap((f) => (f.shape ? [{ ...f, shape: f.shape }] : []));
    const classifier = known.classifier;
    const reusable = { name: "teacher", features, classifier: classifier ? () => classifier : null };
    return { ...PLAIN, kind: "logits", classes, features, reusable };
  }
  const { path, ...settings } = onnxTeacherOptions(teacher, loaded, folder);
  const opened = await openOnnxTeacher(path, loaded.data, loaded.splits.train, {
    ...settings,
    threads,
    // How much it knows is the doctor's to say.
    allowChance: true,
    features: layers,
  });
  try {
    const { kind, classes: known, features = [] } = opened;
    return { ...PLAIN, kind, classes: known, features, reusable: reusableOf(opened) };
  } finally {
    await opened.dispose();
  }
}
