/** The trainings of a run: every arm's teachers, students and baselines over the seeds, with their answers on the test samples. */

import type { LoadedData } from "../../learn/data/types.js";
import type { ModelRow, OmittedScores } from "../../learn/evaluate/summary.js";
import { namesOf } from "../../base/names.js";
import { noun } from "../../base/noun.js";
import { objectiveNeeds } from "../../engine/objective/objective.js";
import { asksNobody, baselineObjectiveOf, objectiveOf, plainLabelsOf, withBudgetOf } from "../recipe/resolve.js";
import type { Arm } from "../teaching/arm.js";
import { answersToSoften, leavesTemperature, settleTemperatures } from "../teaching/auto-temperature.js";
import { type RunContext, seedsOf } from "../folder/context.js";
import type { FitRequest, Fitted } from "../students/fitted.js";
import {
  type Judged,
  rightOf,
  scoreExported,
  scoreTest,
  storedAnswers,
  warnOfTeacher,
  warnOfWeakness,
} from "./judge.js";
import { omittedScores, withoutSaid } from "./omitted.js";
import { fitAll } from "../students/fit-all.js";
import { type Pseudo, pseudoLabelled, pseudoSaid } from "../teaching/pseudo-labels.js";
import { settleArm } from "../teaching/settle.js";
import { prepareTeacher } from "../teaching/teachers.js";
import type { ReadyTeacher } from "../teaching/ready-teacher.js";

/** One row in the making: a model of an arm over its seeds. */
export interface Row {
  readonly role: ModelRow["role"];
  readonly arm: Arm;
  readonly name: string;
  readonly trainedOn: string;
  readonly fitted: readonly Fitted[];
  readonly judged: readonly Judged[];
  readonly teacher: ReadyTeacher | null;
  /** Which teachers it is, or learns from: one a seed or one for all. */
  readonly teachers: string;
  /** Of a student: which trainings its baseline is, as `trainingsOf` names them; absent without one. */
  readonly baseline?: string;
  /** On the classes that it never saw; absent where it saw all. */
  readonly omitted?: OmittedScores;
}

/** Trains every arm over the seeds; a model that two arms share becomes one row. */
export async function trainRows(context: RunContext, arms: readonly Arm[]): Promise<Row[]> {
  const rows: Row[] = [];
  const { plan } = context;
  const seeds = seedsOf(plan);
  const seen = new Set<string>();
  const looked = new Set<string>();
  for (const given of arms) {
    let arm = given;
    context.emit({ kind: "stage", text: arm.name ? `Variant: ${arm.name}` : `Distilling ${plan.name}` });
    if (given === arms[0]) for (const text of announcement(context, arms)) context.emit({ kind: "info", text });
    const teachers: ReadyTeacher[] = [];
    const requests: FitRequest[] = [];
    for (const seed of seeds) {
      const teacher = await prepareTeacher(context, arm, seed);
      if (seed === seeds[0]) arm = settleArm(context, arm, teacher);
      teachers.push(teacher);
      if (!teacher.knows && !looked.has(teacher.key)) await warnOfTeacher(context, "teacher", teacher.store);
      looked.add(teacher.key);
      const label = (what: string): string => `${arm.name ? `${arm.name}: ` : ""}${what}, seed ${seed}`;
      const request = studentRequest(arm, context.loaded, teacher, seed, label("student"));
      requests.push(request);
      if (seed === seeds[0]) notePseudoLabels(context, arm, request);
      if (!arm.baseline) continue;
      requests.push(baselineRequest(arm, request.samples.length, seed, label("baseline")));
    }
    const fitted = await fitAll(context, requests);
    const [students, baselines] = [fitted.filter(isRole("student")), fitted.filter(isRole("baseline"))];
    const prefix = arm.name ? `${arm.name}: ` : "";
    const teacherKey = keysOf(teachers);
    if (!seen.has(teacherKey)) {
      rows.push(await teacherRow(context, arm, teachers, `${prefix}teacher`));
      for (const i of teachers[0]?.members?.keys() ?? []) {
        const own = teachers.flatMap((t) => t.members?.[i] ?? []);
        rows.push(await teacherRow(context, arm, own, `${prefix}teacher ${i + 1}`));
      }
    }
    seen.add(teacherKey);
    const student = await studentRow(context, arm, "student", students, teachers, `${prefix}student`);
    const baselineKey = trainingsOf(baselines);
    rows.push(arm.baseline ? { ...student, baseline: baselineKey } : student);
    if (arm.baseline && !seen.has(baselineKey))
      rows.push(await studentRow(context, arm, "baseline", baselines, teachers, `${prefix}baseline`));
    seen.add(baselineKey);
  }
  return rows;
}

const keysOf = (teachers: readonly ReadyTeacher[]): string => teachers.map((t) => t.key).join();

/** A name for trainings: models with the same one are the same models. */
export const trainingsOf = (fitted: readonly Fitted[]): string => fitted.map((f) => f.id).join();

/** The training of a student, with the pseudo-labels that it learns. */
export interface StudentRequest extends FitRequest {
  readonly pseudo?: Pseudo | null;
}

/** The training of an arm's student: also a sweep's. */
export function studentRequest(
  arm: Pick<Arm, "plan" | "transfer" | "labelled" | "omission">,
  loaded: LoadedData,
  teacher: ReadyTeacher,
  seed: number,
  name: string,
): StudentRequest {
  const { plan, transfer, omission } = arm;
  const { store } = teacher;
  const pseudo = pseudoLabelled(arm, loaded, store);
  // A run has settled it for all seeds; each of a sweep's trainings is settled by itself.
  const objective = leavesTemperature(plan.objective)
    ? settleTemperatures(plan.objective, answersToSoften(store, transfer, store.header.classes.length)).objective
    : plan.objective;
  return {
    name,
    role: "student",
    model: plan.student,
    training: plan.training,
    objective: objectiveOf(objective),
    samples: pseudo?.samples ?? transfer,
    teacher: pseudo?.store ?? store,
    views: teacher.views,
    reusable: teacher.reusable,
    seed,
    pseudo,
    shifted: omission?.shifted,
  };
}

/** The same student on labels alone, plain ones if that is what it does itself. @param samples the student's: its updates are the budget of both */
function baselineRequest({ plan, labelled, omission }: Arm, samples: number, seed: number, name: string): FitRequest {
  return {
    model: plan.student,
    training: withBudgetOf(plan.training, samples, labelled.length),
    seed,
    name,
    role: "baseline",
    objective: asksNobody(plan) ? plainLabelsOf(plan.objective) : baselineObjectiveOf(plan.objective),
    samples: labelled,
    shifted: omission?.shifted,
  };
}

function notePseudoLabels(context: RunContext, arm: Arm, { pseudo }: StudentRequest): void {
  if (!pseudo) return;
  context.emit({ kind: "info", text: `${arm.name ? `${arm.name}: ` : ""}student: ${pseudoSaid(pseudo)}` });
  if (pseudo.counts.confident === 0)
    context.warnings.push(
      "pseudo-labels: no sample reaches the required confidence, so only labelled samples are used; lower transfer.pseudo_labels.min_confidence, or train the teacher longer",
    );
}

/** What a student or baseline was trained on. With a teacher for each seed pseudo-labels are counted for the first. */
function learntSaid(arm: Arm, role: "student" | "baseline", request: StudentRequest | undefined): string {
  if (role === "baseline") return `${noun(arm.labelled.length, "sample")} with labels`;
  if (request?.pseudo) return pseudoSaid(request.pseudo);
  const needs = objectiveNeeds(objectiveOf(arm.plan.objective));
  const given = needs.teacher
    ? needs.labels
      ? "with labels and the teacher's answers"
      : "with the teacher's answers only"
    : "with labels";
  return `${noun(arm.transfer.length, "sample")} ${given}`;
}

const isRole =
  (role: FitRequest["role"]) =>
  ({ request }: Fitted): boolean =>
    request.role === role;

/** What the run is about to do, in two lines. */
function announcement({ plan, directory }: RunContext, arms: readonly Arm[]): string[] {
  const baselines = arms.filter((a) => a.baseline).length;
  const trained = [noun(arms.length, "student"), ...(baselines > 0 ? [noun(baselines, "baseline")] : [])];
  return [
    `plan: ${trained.join(" and ")}, ${noun(plan.seeds, "seed")} each${
      arms.length > 1
        ? `; variants: ${arms
            .slice(1)
            .map((a) => a.name)
            .join(", ")}`
        : ""
    }`,
    `folder: ${directory} (Ctrl-C stops, --resume continues)`,
  ];
}

async function teacherRow(
  context: RunContext,
  arm: Arm,
  teachers: readonly ReadyTeacher[],
  name: string,
): Promise<Row> {
  const unique = [...new Map(teachers.map((t) => [t.key, t])).values()];
  const judged: Judged[] = [];
  for (const [i, t] of unique.entries()) {
    const result = t.fitted?.result;
    judged.push({
      seed: t.fitted?.request.seed ?? i,
      scored: await scoreTest(context, storedAnswers(t.store), null),
      selection: result?.selection ?? "as given",
      steps: result?.steps ?? 0,
      seconds: result?.seconds ?? 0,
      open: t.open,
    });
  }
  warnOfWeakness(context, name, judged);
  const fitted = unique.flatMap((t) => (t.fitted ? [t.fitted] : []));
  const first = unique[0] as ReadyTeacher;
  const { classes } = context.loaded.data;
  const knows = first.knows
    ? `; answers only for the classes ${namesOf(first.knows.map((c) => classes[c] as string))}`
    : "";
  return {
    role: "teacher",
    arm,
    name,
    trainedOn: `${first.trainedOn}${knows}`,
    fitted,
    judged,
    teacher: first,
    teachers: keysOf(teachers),
  };
}

async function studentRow(
  context: RunContext,
  arm: Arm,
  role: "student" | "baseline",
  fitted: readonly Fitted[],
  teachers: readonly ReadyTeacher[],
  name: string,
): Promise<Row> {
  const { loaded } = context;
  const judged: Judged[] = [];
  for (const [i, f] of fitted.entries()) {
    const scored = await scoreExported(context, f, storedAnswers((teachers[i] as ReadyTeacher).store));
    const { selection, steps, seconds } = f.result;
    judged.push({ seed: f.request.seed, scored, selection, steps, seconds });
  }
  warnOfWeakness(context, name, judged);
  const trainedOn = `${learntSaid(arm, role, fitted[0]?.request)}${withoutSaid(arm, loaded.data.classes)}`;
  const omitted = arm.omission && (await omittedScores(context, arm.omission, fitted, rightOf(judged)));
  const learnt = { teacher: null, teachers: keysOf(teachers) };
  return { role, arm, name, trainedOn, fitted, judged, ...learnt, ...(omitted ? { omitted } : {}) };
}
