/** Several teachers as one, for `Distiller`: what it answers, and what a training sees of its members. */
import { mixes } from "../../data/augment/config.js";
import type { Augmentation, DataSet } from "../../data/types.js";
import { InputError } from "../../../base/errors.js";
import { maxOf } from "../../../base/extremes.js";
import { noun } from "../../../base/noun.js";
import { checkSampleWeights, type ObjectiveConfig, objectiveLayers } from "../../../engine/objective/objective.js";
import type { TeacherOutputs, ViewAnswers } from "../taught.js";
import { fullAnswers } from "../answers.js";
import { drawnMember } from "./draw.js";
import {
  type Combination,
  combineAnswers,
  combineRows,
  confidenceWeights,
  fixedWeights,
  groupName,
  type MemberAnswers,
  type StoredMember,
} from "./group.js";
import { answersAs, drawnKind, logitsOf, memberOutputs, sideBySide } from "./member-outputs.js";
import { checkCover } from "./merge.js";
import type { Teacher, TeacherGroup } from "../types.js";

export interface GroupOptions {
  /**
   * What the student learns from: one combined answer (mean-probabilities, the default, mean-logits, merge), every loss against
   * each of the teachers (mean-losses), or one of them for each update (draw).
   */
  readonly combine?: TeacherGroup["combine"];
  /**
   * One positive number a teacher, with draw its probability; default all alike. "confidence": a sample at a time, by each teacher's
   * cross-entropy with the labels that are trained on (CA-MKD); not with draw and merge.
   */
  readonly weights?: readonly number[] | "confidence";
}

/**
 * Several teachers as one, for `Distiller`: each answers with its own preprocessing, the answers are combined. With mean-losses
 * and draw `answer` gives the mean of the probabilities (as logits where drawn teachers all give logits), which is what scores
 * are against; a fit looks at the teachers one by one. Weights by confidence count in a fit; elsewhere all teachers weigh alike.
 * Disposing the group disposes its members.
 * @throws InputError when they differ in the number of classes, or weights or kinds do not fit
 */
export function groupTeacher(teachers: readonly Teacher[], options: GroupOptions = {}): Teacher {
  const { combine = "mean-probabilities" } = options;
  const [first] = teachers;
  if (!first || teachers.length < 2)
    throw new InputError({
      code: "option-invalid",
      where: "groupTeacher",
      found: `found ${noun(teachers.length, "teacher")}`,
      expected: "at least 2",
    });
  checkMembers(teachers, first, options);
  const confidence = options.weights === "confidence";
  const weights = fixedWeights(options.weights === "confidence" ? undefined : options.weights, teachers.length);
  const group: TeacherGroup = { combine, teachers, weights, confidence };
  const parameters = teachers.map((t) => t.parameters);
  const settings = JSON.stringify([combine, confidence ? "confidence" : weights]);
  return {
    name: groupName(
      teachers.map((t) => t.name),
      combine,
    ),
    hash: `${teachers.map((t) => t.hash).join("+")} ${settings}`,
    preprocessing: JSON.stringify([settings, teachers.map((t) => t.preprocessing)]),
    kind: kindOf(group),
    classes: first.classes,
    batch: maxOf(teachers.map((t) => t.batch)),
    parameters: parameters.every((p) => p !== null) ? parameters.reduce((a, p) => a + p, 0) : null,
    bytes: teachers.reduce((a, t) => a + t.bytes, 0),
    notes: teachers.flatMap((t) => t.notes.map((note) => `${t.name}: ${note}`)),
    ...(combine === "mean-losses" || combine === "draw" || confidence ? { group } : {}),
    async answer(data: DataSet, indices: Uint32Array, signal?: AbortSignal) {
      return combined(group, await answersOf(group, data, indices, signal), weights, first.classes);
    },
    async dispose() {
      for (const t of teachers) await t.dispose();
    },
  };
}

function checkMembers(teachers: readonly Teacher[], first: Teacher, { combine, weights }: GroupOptions): void {
  const odd = teachers.find((t) => t.classes !== first.classes);
  if (odd)
    throw new InputError({
      code: "array-mismatch",
      where: odd.name,
      found: `it knows ${noun(odd.classes, "class")} and ${first.name} ${first.classes}`,
      expected: "the same classes in all of them",
    });
  const nested = teachers.find((t) => t.group);
  if (nested)
    throw new InputError({
      code: "option-conflict",
      where: "groupTeacher",
      found: `${nested.name} is itself a group, whose teachers a fit asks one by one`,
      cure: "Give its teachers",
    });
  if (weights === "confidence" && (combine === "draw" || combine === "merge"))
    throw new InputError({
      code: "option-conflict",
      where: "groupTeacher",
      found: `weights by confidence differ from sample to sample, and ${combine} has one weight per teacher`,
      cure: "Set combine to mean-losses, mean-probabilities or mean-logits",
    });
  const wrong = combine === "mean-logits" ? teachers.find((t) => t.kind !== "logits") : undefined;
  if (wrong)
    throw new InputError({
      code: "option-conflict",
      where: wrong.name,
      found: "it gives probabilities, and mean-logits needs logits",
      cure: "Set combine: mean-probabilities",
    });
  if (combine === "merge") checkCover(teachers, first.classes);
  else if (teachers.some((t) => t.knows))
    throw new InputError({
      code: "option-conflict",
      where: "groupTeacher",
      found: "a teacher knows only part of the classes",
      cure: "Set combine: merge",
    });
}

/**
 * What a fit on these samples learns from a group.
 * @param stored the members' answers, in their order
 * @param labels by sample; -1 where there is none or where it may not be used
 */
export function groupOutputs(
  group: TeacherGroup,
  stored: readonly StoredMember[],
  labels: ArrayLike<number>,
  classes: number,
): TeacherOutputs {
  const { combine, weights, confidence } = group;
  const counts = confidence ? { labels } : weights;
  return {
    kind: kindOf(group),
    gather(indices, out) {
      const rows = combineRows(stored, combinationOf(group), counts, classes, indices);
      out.set(asLogits(group) ? logitsOf(rows) : rows);
    },
    ...memberOutputs(combine, stored, weights, confidence ? labels : null, classes),
  };
}

/**
 * Before a fit labels anything.
 * @throws InputError when its loss or its views cannot go with teachers that are looked at one by one
 */
export function checkGroupFit(
  { combine, confidence }: TeacherGroup,
  objective: ObjectiveConfig,
  augmentation: Augmentation | null,
  views: "online" | "clean",
): void {
  if (combine === "mean-losses" && confidence) checkSampleWeights(objective);
  if (objectiveLayers(objective).length > 0)
    throw new InputError({
      code: "option-conflict",
      where: "compile: terms",
      found: "losses between layers need one teacher, and a group has several",
      cure: "Give one teacher, or remove these terms",
    });
  if (!augmentation || !mixes(augmentation)) return;
  if (combine === "mean-losses" && views === "clean")
    throw new InputError({
      code: "option-conflict",
      where: "fit: augment",
      found: "mixup and cutmix blend the teacher's answers, and mean-losses keeps those of each teacher",
      cure: "Set views to online",
    });
  if (confidence && views === "online")
    throw new InputError({
      code: "option-conflict",
      where: "fit: augment",
      found: "a blend of two samples (mixup, cutmix) has no single label to weigh teachers by",
      cure: "Give fixed weights, or remove mixup and cutmix",
    });
}

/** Samples of a batch, for a group that is asked about views. */
export interface GroupQuestion {
  /** Made of the views. */
  readonly data: DataSet;
  readonly indices: Uint32Array;
  /** Of the samples behind the views, -1 where there is none that may be used. */
  readonly labels: Int32Array;
  readonly seed: number;
  readonly step: number;
  readonly signal?: AbortSignal;
}

/** What an update learns from a group about views: as `groupOutputs`, with the weights of the views themselves. */
export async function groupViewAnswers(group: TeacherGroup, asked: GroupQuestion): Promise<ViewAnswers> {
  const { teachers, combine, weights, confidence } = group;
  const { data, indices, labels, signal } = asked;
  const classes = teachers[0]?.classes ?? 0;
  if (combine === "draw") {
    const each = teachers.map((teacher, k) => ({ teacher, weight: weights[k] as number }));
    const { teacher } = drawnMember(each, asked.seed, asked.step);
    const { answers } = await fullAnswers(teacher, data, indices, signal);
    return { answers: answersAs(answers, teacher.kind, kindOf(group), classes), features: [] };
  }
  const members = await answersOf(group, data, indices, signal);
  const counts = confidence ? confidenceWeights(members, labels, classes) : weights;
  if (combine !== "mean-losses") return { answers: combined(group, members, counts, classes), features: [] };
  const answers = sideBySide(members, classes);
  return { answers, features: [], ...(confidence ? { weights: Float32Array.from(counts) } : {}) };
}

async function answersOf(
  { teachers }: TeacherGroup,
  data: DataSet,
  indices: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<MemberAnswers[]> {
  const members: MemberAnswers[] = [];
  for (const t of teachers)
    members.push({ kind: t.kind, values: (await fullAnswers(t, data, indices, signal)).answers, knows: t.knows });
  return members;
}

function combined(
  group: TeacherGroup,
  members: readonly MemberAnswers[],
  weights: ArrayLike<number>,
  classes: number,
): Float32Array {
  const rows = combineAnswers(members, combinationOf(group), weights, classes);
  return asLogits(group) ? logitsOf(rows) : rows;
}

function combinationOf({ combine }: TeacherGroup): Combination {
  return combine === "mean-losses" || combine === "draw" ? "mean-probabilities" : combine;
}

/** Whether the mean of the probabilities is given as logits: the step's graph is made for what drawn teachers give. */
const asLogits = ({ combine, teachers }: TeacherGroup): boolean =>
  combine === "draw" && drawnKind(teachers) === "logits";

const kindOf = (group: TeacherGroup): Teacher["kind"] =>
  group.combine === "mean-logits" || asLogits(group) ? "logits" : "probabilities";
