/** Checks a recipe for common mistakes before it is run; the implementation of `limbeck doctor`. */
import { isSeveral, storeOf, teacherEntryOf, trainedTeacherOf } from "../../run/teaching/registry.js";
import { firstHop } from "../../run/strategies/run-strategy.js";
import { asksNoTeacher } from "../../run/recipe/registries.js";
import { spreadOver } from "../../learn/data/labels/labels.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError, InterruptedError } from "../../base/errors.js";
import { appendTo } from "../../base/extremes.js";
import { lossOf } from "../../engine/objective/registry.js";
import { noun } from "../../base/noun.js";
import { planOf } from "../../run/recipe/load.js";
import { baselineObjectiveOf, objectiveOf } from "../../run/recipe/resolve.js";
import type { Plan, RecipeInput } from "../../run/recipe/schema/schema.js";
import { settleTemperatures } from "../../run/teaching/auto-temperature.js";
import type { RunEvent } from "../../run/folder/events.js";
import { loadAudited } from "../../run/folder/load-audited.js";
import { expandArms } from "../../run/pipeline/arms.js";
import { withoutDistillation } from "../../run/pipeline/train-model.js";
import { allRules, runOf } from "../../run/strategies/rules.js";
import { factsOf } from "../../run/teaching/rules/facts.js";
import { checkRules } from "../../run/teaching/rules/rule.js";
import { openAsked } from "./asked.js";
import { averageLength } from "./average-length.js";
import { dataAudit } from "./data-audit.js";
import { finishedRun } from "./finished.js";
import { fixedViews } from "./fixed-views.js";
import { layers } from "./layers.js";
import { probeLoss } from "./loss-probe.js";
import { mutualStep } from "./mutual-step.js";
import { pseudoLabelled } from "./pseudo-labelled.js";
import { selection } from "./selection.js";
import { smallStudent } from "./small-student.js";
import { staleStore } from "./stale-store.js";
import { strongViews } from "./strong-views.js";
import { softTargets, teacherOrder, teacherOutputs } from "./teacher-answers.js";
import { teacherMode } from "./teacher-mode.js";
import { temperature } from "./temperature.js";
import { termScales } from "./term-scales.js";
import { type AskedTeacher, type Check, type Finding, type Patient, skipped } from "./types.js";
import { weakTeacher } from "./weak-teacher.js";

/** All checks in the order of the report; the slowest come last. */
const CHECKS: readonly Check[] = [
  dataAudit,
  selection,
  staleStore,
  unasked,
  teacherMode,
  teacherOrder,
  teacherOutputs,
  softTargets,
  temperature,
  distillationLoss,
  layers,
  termScales,
  mutualStep,
  pseudoLabelled,
  averageLength,
  fixedViews,
  strongViews,
  weakTeacher,
  smallStudent,
];

/** Number of samples that the teacher answers. */
const ASKED = 1000;

export interface ExamineOptions {
  /** Base folder for relative paths; default: the current directory. */
  readonly folder?: string;
  /** Skips the checks that train a model. Default false. */
  readonly quick?: boolean;
  /** Folder of a finished run of this recipe, whose models replace short training runs; default: searched for in runs/. */
  readonly out?: string;
  /** Number of ONNX Runtime threads; 0 (the default) chooses automatically. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * Checks a recipe. The test part is only compared with the other parts; no model is evaluated on it.
 * @returns at least one finding per check, in the order of the checks
 * @throws InputError when recipe, data or teacher cannot be read; InterruptedError when stopped
 */
export async function examine(input: RecipeInput, options: ExamineOptions = {}): Promise<Finding[]> {
  const whole = planOf(input);
  checkRules(allRules(), ["recipe", runOf(whole)], { plan: whole });
  const { folder = process.cwd(), quick = false, threads = 0, signal, onEvent: emit = () => {} } = options;
  const loaded = await loadAudited(whole.data, { folder, student: whole.student });
  checkRules(allRules(), [runOf(whole)], { plan: whole, data: factsOf(loaded) });
  const given = firstHop(whole, loaded);
  const teacherless = asksNoTeacher(given.strategy);
  // What a run would refuse of a student is refused here.
  expandArms(teacherless ? withoutDistillation(given) : given, loaded);
  const finished = finishedRun(whole, options.out);
  emit({ kind: "stage", text: `Checking ${given.name}` });
  if (finished) emit({ kind: "info", text: `using the models of the finished run ${finished.directory}` });
  const probe = probeOf(loaded);
  const asking = { folder, loaded, probe, finished, threads, signal, emit };
  const teacher = teacherless ? null : await openUnlessStale(given, asking);
  try {
    const asked = await askedAbout(teacher, probe);
    const { answers } = asked;
    // As a run of the recipe would have it, chosen from the answers that are looked at here.
    const objective = answers ? settleTemperatures(given.objective, answers).objective : given.objective;
    const plan = { ...given, objective };
    const patient: Patient = {
      ...{ plan, folder, loaded, teacher, finished, quick, threads, signal, emit },
      objective: teacherless ? baselineObjectiveOf(objective) : objectiveOf(objective),
      ...asked,
    };
    const findings: Finding[] = [];
    for (const check of CHECKS) {
      if (signal?.aborted) throw new InterruptedError("doctor: stopped");
      appendTo(findings, await check(patient));
    }
    return findings;
  } finally {
    await teacher?.dispose();
  }
}

const probeOf = ({ splits }: LoadedData): Uint32Array =>
  spreadOver(splits.validation.length >= 50 ? splits.validation : splits.train, ASKED);

/** A store that does not fit is the label store check's finding. */
async function openUnlessStale(plan: Plan, asking: Parameters<typeof openAsked>[1]): Promise<AskedTeacher | null> {
  try {
    return await openAsked(plan, asking);
  } catch (error) {
    if (error instanceof InputError && storeOf(plan.teacher, "") !== null) return null;
    throw error;
  }
}

async function askedAbout(
  teacher: AskedTeacher | null,
  indices: Uint32Array,
): Promise<Pick<Patient, "answers" | "again">> {
  if (!teacher) return { answers: null, again: null };
  const { classes, kind, file } = teacher;
  const values = await teacher.answer(indices);
  const answers = { values, indices, kind, classes };
  if (file === null) return { answers, again: null };
  const backwards = await teacher.answer(indices.slice().reverse());
  const again = new Float32Array(values.length);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices.length - 1 - i) * classes;
    again.set(backwards.subarray(from, from + classes), i * classes);
  }
  return { answers, again };
}

/** Reports answers that cannot be checked. */
function unasked({ answers, teacher: asked, plan: { teacher, strategy } }: Patient): Finding[] {
  const check = "teacher's answers";
  if (answers) {
    // Of a file a run would find out the same.
    const notes = asked?.file ? asked.notes : [];
    const found = [`${asked?.name}, ${noun(answers.indices.length, "sample")}`, ...notes].join("; ");
    return [{ check, status: "ok", found, why: "", change: "" }];
  }
  if (asksNoTeacher(strategy)) return [skipped(check, `the strategy ${strategy.kind} does not use a teacher`)];
  if (storeOf(teacher, "") !== null) return [skipped(check, "the label store cannot be read (see above)")];
  const several = isSeveral(teacher);
  const { unasked: why = "the teacher has not been asked yet" } = teacherEntryOf(teacher);
  return [
    {
      check,
      status: "warn",
      found: `skipped, because ${why}`,
      why: "order, classes, soft targets and term scales can only be checked on answers",
      change: `${several ? "run `limbeck label` with each teacher and check one at a time:" : "run `limbeck label`, then use"} --set 'teacher={label_store: FOLDER}'${trainedTeacherOf(teacher) ? "; or run doctor again after the run" : ""}`,
    },
  ];
}

function distillationLoss({ objective: { distillationLoss: loss } }: Patient): Promise<Finding[]> | Finding[] {
  return loss && lossOf(loss).against !== "peers"
    ? probeLoss(loss)
    : [skipped("distillation loss", "the recipe has none")];
}
