/** One distillation: teacher -> label store -> students and baselines over seeds -> comparison -> export -> report. */
import type { Summary } from "../../learn/evaluate/summary.js";
import { mainScore } from "../../learn/train/validate.js";
import { type BeginOptions, beginRun } from "../folder/begin-run.js";
import type { RunContext } from "../folder/context.js";
import { deliverWithReport } from "../folder/deliver.js";
import type { AuditedData } from "../folder/load-audited.js";
import type { Plan } from "../recipe/schema/schema.js";
import { scoreOf } from "../students/fit.js";
import type { Fitted } from "../students/fitted.js";
import type { Arm } from "../teaching/arm.js";
import { factsOf } from "../teaching/rules/facts.js";
import { checkRules } from "../teaching/rules/rule.js";
import { RULES } from "../teaching/rules/rules.js";
import { settledContext } from "../teaching/settle.js";
import { expandArms } from "./arms.js";
import { checkModels } from "./check.js";
import { type Row, trainRows } from "./rows.js";
import { summarise } from "./summarise.js";

export interface DistillOptions extends BeginOptions {
  /** Folder of the run; default runs/<name>, or runs/<name>-2 ... if it exists. */
  readonly out?: string;
  /** Folder for teachers and their answers, for runs that share a teacher; default: the run's folder. */
  readonly teacherFolder?: string;
}

export interface DistillResult {
  readonly directory: string;
  readonly summary: Summary;
  /** Paths of the student, the report and the summary. */
  readonly student: string;
  readonly report: string;
  readonly summaryFile: string;
}

/** The strategy one-shot: one teacher, its students, their baselines (Hinton, Vinyals & Dean 2015). */
export function oneShot(plan: Plan, options: DistillOptions): Promise<DistillResult> {
  return beginRun({
    plan,
    options,
    check: (loaded, folder) => checkOneShot(plan, loaded, folder),
    async work({ context: given, seconds }, arms) {
      const rows = await trainRows(given, arms);
      const context = await settledContext(
        given,
        rows.map((r) => r.arm),
      );
      context.emit({ kind: "stage", text: "Evaluating" });
      const command = options.command ?? "distill(recipe)";
      return deliverStudents(context, rows, await summarise(context, rows, { command, seconds: seconds() }));
    },
  });
}

function checkOneShot(plan: Plan, loaded: AuditedData, folder: string): Arm[] {
  checkRules(RULES, ["one-shot"], { plan, data: factsOf(loaded) });
  const arms = expandArms(plan, loaded);
  checkModels(arms, loaded, folder);
  return arms;
}

/** Delivers the best student of every arm; student.onnx is that of the recipe itself. */
async function deliverStudents(context: RunContext, rows: readonly Row[], found: Summary): Promise<DistillResult> {
  const score = (f: Fitted): number => mainScore(scoreOf(f))?.value ?? 0;
  const students = rows.filter((r) => r.role === "student");
  const [first, ...others] = students.map(({ arm, fitted }) => ({
    name: arm.name ? `student-${arm.name.replace(/[^\w.-]+/g, "-")}.onnx` : "student.onnx",
    file: fitted.reduce((a, b) => (score(b) > score(a) ? b : a)).file,
  }));
  if (!first) throw new Error("a run without a student");
  const expects = students[0]?.fitted[0]?.expects ?? null;
  const { model, ...delivered } = await deliverWithReport(context, {
    models: [first, ...others],
    expects,
    summary: found,
  });
  return { ...delivered, student: model };
}
