/** From the finished hops of a strategy to one summary over all: the rows, what is compared with what, latencies side by side. */
import { isSeveral, modelFileOf, teacherEntryOf } from "../teaching/registry.js";
import { relative } from "node:path";
import { differenceSentence } from "../../learn/evaluate/sentence.js";
import type { Comparison, HopSummary, ModelRow, Summary } from "../../learn/evaluate/summary.js";
import { compare } from "../../learn/evaluate/verdict.js";
import { isAtChance } from "../../learn/evaluate/weak-models.js";
import { aboutRun } from "../pipeline/about.js";
import { askable, type ChainRow, rightIn } from "./chain-row.js";
import type { RunContext } from "../folder/context.js";
import { ensembleRow } from "./ensemble.js";
import type { FinishedHop, Pair, HopPlan } from "./hop-plan.js";
import { testLabels } from "../pipeline/judge.js";
import { latenciesOf } from "../measure/measure.js";
import { probeOf } from "../teaching/partial-teachers.js";
import { runRobustness } from "../measure/robustness.js";
import { listTrainings } from "../folder/trainings.js";

/** Everything the strategy found out, as written to its summary.json. */
export async function conclude(
  context: RunContext,
  hopPlan: HopPlan,
  done: readonly FinishedHop[],
  facts: { readonly command: string; readonly seconds: number },
): Promise<Summary> {
  const rows = await rowsOf(context, hopPlan, done);
  // Measured again, in turns: the hops ran at different times.
  const latencies = await latenciesOf(context, rows, (r) => r.files[0] ?? null);
  const models = rows.map((r) => ({ ...r.row, latency: latencies.get(r) ?? null }));
  const comparisons: Comparison[] = [];
  for (const pair of hopPlan.pairs) comparisons.push(await comparisonOf(context, pair, done, rows));
  const robustness = await runRobustness(
    context,
    rows.map((r) => askable(context, r)),
  );
  const chosen = hopPlan.deliver(done);
  const last = [...done].reverse().find((d) => d.hop.command === "distill") ?? (done[done.length - 1] as FinishedHop);
  const { reason } = chosen;
  const { title } = chosen.hop.hop;
  const about = await aboutRun(context, facts);
  return {
    ...about,
    // As the student's own hop has it, with the labels it could use.
    data: last.summary.data,
    models,
    comparisons,
    darkKnowledge: last.summary.darkKnowledge,
    ...robustness,
    strategy: {
      kind: context.plan.strategy.kind,
      hops: done.map((d) => hopSummary(context, d)),
      delivered: { hop: title, reason },
    },
    files: { student: "student.onnx", report: "report.html", summary: "summary.json", plan: "recipe.yaml" },
    notes: [
      // What was found out about the models of the hops themselves is no news.
      ...new Set(done.flatMap((d) => (d.hop.ownTeacher ? d.summary.notes : []))),
      `student.onnx is the student of "${title}": ${reason}.`,
      ...(hopPlan.remarks?.(done) ?? []),
      "Agreement and soft KL compare each student with its own teacher.",
    ],
    warnings: done.flatMap((d) => d.summary.warnings.map((text) => `${d.hop.title}: ${text}`)),
  };
}

/** Id of a hop's baseline row. */
export const baselineId = (title: string): string => (title === "student" ? "baseline" : `${title}: baseline`);

async function rowsOf(context: RunContext, hopPlan: HopPlan, done: readonly FinishedHop[]): Promise<ChainRow[]> {
  const rows: ChainRow[] = [];
  const add = (row: ModelRow, id: string, files: readonly string[], open?: ChainRow["open"]): void => {
    rows.push({
      row: { ...row, id, name: id, variant: "" },
      files,
      open,
      right: async () => {
        const seeds: Uint8Array[] = [];
        for (const file of files) seeds.push(await rightIn(context, file));
        return seeds;
      },
    });
  };
  for (const { hop, summary, students, baselines } of done) {
    const find = (role: ModelRow["role"]): ModelRow | undefined => summary.models.find((m) => m.role === role);
    const [teacher, student, baseline] = [find("teacher"), find("student"), find("baseline")];
    if (hop.command !== "distill") {
      const [own] = summary.models;
      if (own) add({ ...own, role: hop.command === "train-teacher" ? "teacher" : "student" }, hop.title, students);
      continue;
    }
    if (teacher && hop.ownTeacher && !rows.some((r) => r.row.id === "teacher"))
      add(teacher, "teacher", teacherFile(context), givenTeacher(context));
    if (student) add(student, hop.title, students);
    if (baseline) add(baseline, baselineId(hop.title), baselines);
  }
  if (hopPlan.ensemble) rows.push(await ensembleRow(context, hopPlan.ensemble, rows));
  return rows;
}

/** The recipe's own teacher, where there is a file of it. */
function teacherFile({ plan, folder, directory }: RunContext): string[] {
  const { teacher } = plan;
  if (isSeveral(teacher)) return [];
  const file = modelFileOf(teacher, folder);
  if (file !== null) return [file];
  const trained = listTrainings(directory).find((t) => t.role === "teacher" && t.seed === plan.seed);
  return trained ? [trained.file] : [];
}

/** Opens the recipe's own teacher as the recipe says, when it is a file. */
function givenTeacher(context: RunContext): ChainRow["open"] {
  const { plan, folder, loaded, execution } = context;
  const { teacher } = plan;
  const entry = teacherEntryOf(teacher);
  if (!entry.open) return undefined;
  const open = entry.open.bind(entry);
  // What was found out about it with the samples that its hop looked at must be found out again.
  const probe = probeOf(context, loaded.data);
  return () => open(teacher, { loaded, folder, probe, threads: execution.threads, features: [] });
}

async function comparisonOf(
  context: RunContext,
  pair: Pair,
  done: readonly FinishedHop[],
  rows: readonly ChainRow[],
): Promise<Comparison> {
  const hop = done.find((d) => d.hop.title === pair.student);
  const teacher = rows.find((r) => r.row.id === hop?.hop.teacher)?.row.id ?? (rows[0] as ChainRow).row.id;
  const base = { variant: pair.title, student: pair.student, teacher };
  if (pair.against === "own baseline") {
    const own = hop?.summary.comparisons[0];
    if (!own) throw new Error(`${pair.student}: its summary contains no comparison`);
    return { ...own, ...base, baseline: own.baseline === null ? null : baselineId(pair.student) };
  }
  const { hop: title, role } = pair.against;
  const other = role === "student" ? title : baselineId(title);
  const [a, b] = [pair.student, other].map((id) => rows.find((r) => r.row.id === id));
  if (!a || !b || !testLabels(context.loaded))
    return {
      ...base,
      baseline: b ? other : null,
      sentence: `${pair.what ?? pair.title}: skipped, because the data has no labels.`,
    };
  const difference = compare(await a.right(), await b.right(), { seed: context.plan.seed });
  const blind = isAtChance(a.row) && isAtChance(b.row);
  const sentence = differenceSentence(pair.what ?? pair.title, difference, blind);
  return { ...base, baseline: other, ...difference, ...(blind && { verdict: null }), sentence };
}

function hopSummary(context: RunContext, { hop, summary, directory }: FinishedHop): HopSummary {
  const [own] = hop.command === "distill" ? summary.comparisons : [];
  const { verdict = null, points = null, low = null, high = null } = own ?? {};
  return {
    title: hop.title,
    folder: relative(context.directory, directory).replaceAll("\\", "/"),
    teacher: hop.teacher,
    student: hop.title,
    baseline: own?.baseline ? baselineId(hop.title) : null,
    verdict,
    points,
    low,
    high,
    seconds: summary.durationSeconds,
  };
}
