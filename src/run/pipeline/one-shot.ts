/** One distillation: teacher -> label store -> students and baselines over seeds -> comparison -> export -> report. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeFileAtomic } from "../../node/atomic.js";
import { InputError } from "../../base/errors.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { loadModelFile } from "../../node/model-file.js";
import type { Recipe } from "../recipe/schema/schema.js";
import { expandArms } from "./arms.js";
import { checkModels } from "./check.js";
import { contextOf, type RunContext, type RunOptions } from "../folder/context.js";
import { scoreOf } from "../students/fit.js";
import { loadAudited } from "../folder/load-audited.js";
import { checkRecipe } from "../measure/robustness.js";
import { type Row, trainRows } from "./rows.js";
import { claimDirectory, finishDirectory, orDiscard } from "../folder/run-directory.js";
import { settledContext } from "../teaching/settle.js";
import { writeSnippets } from "../folder/snippets.js";
import { summarise } from "./summarise.js";
import { writeReport, writeSummary } from "../folder/write-summary.js";

export interface DistillOptions extends RunOptions {
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
export async function oneShot(recipe: Recipe, options: DistillOptions): Promise<DistillResult> {
  const started = performance.now();
  const folder = options.folder ?? process.cwd();
  const loaded = await loadAudited(recipe.data, { folder, onEvent: options.onEvent });
  const arms = expandArms(recipe, loaded);
  if (loaded.splits.test.length === 0)
    throw new InputError({
      code: "budget-invalid",
      where: "data.split.test",
      found: "no sample is left to compare student and baseline on",
      expected: "a fraction of the samples, such as 0.2",
    });
  checkModels(arms, loaded, folder);
  checkRecipe(recipe, loaded);
  const directory = await claimDirectory(recipe, options);
  const given = contextOf(recipe, loaded, directory, options);
  const rows = await orDiscard(directory, options, () => trainRows(given, arms));
  const context = await settledContext(
    given,
    rows.map((r) => r.arm),
  );
  context.emit({ kind: "stage", text: "Evaluating" });
  const found = await summarise(context, rows, {
    command: options.command ?? "distill(recipe)",
    seconds: (performance.now() - started) / 1000,
  });
  const { student, summary } = await deliver(context, rows, found);
  const [report, summaryFile] = [join(directory, "report.html"), join(directory, "summary.json")];
  return { directory, summary, student, report, summaryFile };
}

/** Copies the best student out and writes summary, report and snippets. */
async function deliver(
  context: RunContext,
  rows: readonly Row[],
  found: Summary,
): Promise<Pick<DistillResult, "student" | "summary">> {
  const { directory } = context;
  const students = rows.filter((r) => r.role === "student");
  for (const row of students) {
    const best = row.fitted.reduce((a, b) =>
      (scoreOf(b).accuracy ?? scoreOf(b).agreement ?? 0) > (scoreOf(a).accuracy ?? scoreOf(a).agreement ?? 0) ? b : a,
    );
    const name = row.arm.name ? `student-${row.arm.name.replace(/[^\w.-]+/g, "-")}.onnx` : "student.onnx";
    await writeFileAtomic(join(directory, name), readFileSync(best.file));
  }
  const student = join(directory, "student.onnx");
  const { dtype } = loadModelFile(student).model.graph.inputs[0] ?? {};
  await writeSnippets(directory, basename(student), context.loaded.data.sampleShape, {
    normalisation: students[0]?.fitted[0]?.expects,
    dtype,
  });
  const summary = await writeSummary(directory, found);
  await writeReport(directory, summary);
  await finishDirectory(directory);
  return { student, summary };
}
