/** From trained models to the summary: scores, verdicts, latencies, dark knowledge. */
import { darkKnowledge } from "../evaluate/dark-knowledge.js";
import type { Latency } from "../evaluate/latency.js";
import { advice, noBaselineSentence, verdictSentence } from "../evaluate/sentence.js";
import type { Comparison, ModelRow, Summary } from "../evaluate/summary.js";
import { compare as compareAccuracy } from "../evaluate/verdict.js";
import { DEFAULT_ALPHA } from "../objective/objective.js";
import { asksNobody, objectiveOf } from "../recipe/resolve.js";
import { aboutRun } from "./about.js";
import { isPlain } from "./arms.js";
import type { RunContext } from "./context.js";
import { aggregate, hits, type Judged, testLabels } from "./judge.js";
import { latenciesOf } from "./measure.js";
import { type Askable, openExported, runRobustness, type Unasked } from "./robustness.js";
import { type Row, trainingsOf } from "./rows.js";

/** Everything a run found out, as written to summary.json. */
export async function summarise(
  context: RunContext,
  rows: readonly Row[],
  facts: { readonly command: string; readonly seconds: number },
): Promise<Summary> {
  const { recipe } = context;
  const latencies = await latenciesOf(context, rows, (r) => r.fitted[0]?.file ?? r.teacher?.file ?? null);
  const models = rows.map((row) => modelRow(context, row, latencies.get(row) ?? null));
  const robustness = await runRobustness(
    context,
    rows.map((row) => askable(context, row)),
  );
  const { labelled } = (rows.find((r) => r.role === "student") as Row).arm;
  return {
    ...(await aboutRun(context, { ...facts, labelled: labelled.length })),
    models,
    comparisons: rows.filter((r) => r.role === "student").map((row) => compare(context, rows, row, recipe.seed)),
    darkKnowledge: darkKnowledgeOf(context, rows),
    ...robustness,
    files: { student: "student.onnx", report: "report.html", summary: "summary.json", recipe: "recipe.yaml" },
  };
}

function modelRow(context: RunContext, row: Row, latency: Latency | null): ModelRow {
  const first = row.fitted[0];
  return {
    id: row.name,
    role: row.role,
    name: row.name,
    variant: row.arm.name,
    architecture: first?.architecture ?? row.teacher?.name ?? "",
    parameters: first?.parameters ?? row.teacher?.parameters ?? null,
    macs: first?.macs ?? null,
    fileBytes: first?.fileBytes ?? row.teacher?.bytes ?? 0,
    trainedOn: row.trainedOn,
    ...aggregate(context.loaded, row.judged, context.recipe.evaluation.top_k),
    latency,
    curves: row.fitted.map((f) => ({ seed: f.request.seed, points: f.result.curve })),
    gradientShares: first?.result.gradientShares ?? [],
    ...(row.omitted ? { omitted: row.omitted } : {}),
  };
}

/** A row's models, to be asked about other samples. */
function askable({ execution }: RunContext, { name: id, role, fitted, judged, teacher }: Row): Askable | Unasked {
  if (role !== "teacher")
    return {
      id,
      role,
      seeds: fitted.map((f) => ({ seed: f.request.seed, open: () => openExported(f, execution.threads) })),
    };
  if (teacher?.knows) return { id, why: "it knows only part of the classes" };
  const teachers = judged.flatMap((j) => (j.open ? [{ seed: j.seed, open: j.open }] : []));
  return teachers.length === judged.length && teacher
    ? { id, role, seeds: teachers }
    : { id, why: "only its answers for the samples as they are, are known" };
}

const PLAIN = "No baseline: the student learns from labels alone, as a baseline would.";

/** The student against the baseline trained with the same architecture, budget and seeds. */
function compare(context: RunContext, rows: readonly Row[], student: Row, seed: number): Comparison {
  const teacher = rows.find((r) => r.role === "teacher" && r.teachers === student.teachers) as Row;
  const base = { variant: student.arm.name, student: student.name, teacher: teacher.name };
  const baseline = rows.find((r) => r.role === "baseline" && trainingsOf(r.fitted) === student.baseline);
  const scores = aggregate(context.loaded, student.judged, context.recipe.evaluation.top_k);
  if (!baseline) {
    const { labelled, recipe } = student.arm;
    if (isPlain(recipe)) return { ...base, baseline: null, sentence: PLAIN };
    const reason = labelled.length === 0 ? "no labels" : "switched off";
    const [agreement, softKL] = [scores.agreement?.mean ?? null, scores.softKL?.mean ?? null];
    return { ...base, baseline: null, sentence: noBaselineSentence({ reason, agreement, softKL }) };
  }
  const verdict = compareAccuracy(
    student.judged.map((j) => hits(context.loaded, j.answers)),
    baseline.judged.map((j) => hits(context.loaded, j.answers)),
    { seed },
  );
  const mean = (row: Row): number | null => aggregate(context.loaded, row.judged, 1).accuracy?.mean ?? null;
  const { alpha, distillationLoss } = objectiveOf(student.arm.recipe.objective);
  const facts = {
    teacherAccuracy: mean(teacher),
    baselineAccuracy: mean(baseline) ?? 0,
    temperature: temperatureOf(distillationLoss),
    alpha: alpha ?? DEFAULT_ALPHA,
    labelled: student.arm.labelled.length,
    seen: student.arm.transfer.length,
    available: student.arm.available,
    pseudoLabels: student.arm.recipe.transfer.pseudo_labels !== undefined,
  };
  // Where no teacher is asked, no advice about one helps.
  const alone = asksNobody(student.arm.recipe);
  const sentence = verdictSentence(verdict, alone ? "The label loss" : undefined);
  return { ...base, baseline: baseline.name, ...verdict, sentence, advice: alone ? null : advice(verdict, facts) };
}

/** The first teacher's softened answers on the test samples, beside the first student's. */
function darkKnowledgeOf(context: RunContext, rows: readonly Row[]): Summary["darkKnowledge"] {
  const find = (role: Row["role"]): Judged | undefined => rows.find((r) => r.role === role)?.judged[0];
  const [teacher, student] = [find("teacher"), find("student")];
  const { data, splits } = context.loaded;
  if (!teacher || !student || data.classes.length === 0) return null;
  const loss = context.recipe.objective.distillation_loss;
  return darkKnowledge({
    data,
    test: splits.test,
    labels: testLabels(context.loaded),
    classes: data.classes.length,
    teacher: { kind: teacher.kind, values: teacher.answers },
    student: student.answers,
    temperature: temperatureOf(loss) ?? 1,
  });
}

/** The temperature of a loss that has one. */
function temperatureOf(loss: object | undefined): number | null {
  return loss && "temperature" in loss && typeof loss.temperature === "number" ? loss.temperature : null;
}
