/** From trained models to the summary: scores, verdicts, latencies, dark knowledge. */
import { darkKnowledge } from "../../learn/evaluate/dark-knowledge.js";
import type { Latency } from "../../learn/evaluate/latency.js";
import { advice, noBaselineSentence, verdictSentence } from "../../learn/evaluate/sentence.js";
import type { Comparison, ModelRow, Summary } from "../../learn/evaluate/summary.js";
import { compare as compareAccuracy } from "../../learn/evaluate/verdict.js";
import { isAtChance } from "../../learn/evaluate/weak-models.js";
import { DEFAULT_ALPHA } from "../../engine/objective/objective.js";
import { asksNobody, objectiveOf } from "../recipe/resolve.js";
import { aboutRun } from "./about.js";
import { isPlain } from "./arms.js";
import type { RunContext } from "../folder/context.js";
import { answersOf } from "../students/fit.js";
import { aggregate, rightOf, storedAnswers, testLabels } from "./judge.js";
import { latenciesOf } from "../measure/measure.js";
import { type Askable, openExported, runRobustness, type Unasked } from "../measure/robustness.js";
import { type Row, trainingsOf } from "./rows.js";

/** Everything a run found out, as written to summary.json. */
export async function summarise(
  context: RunContext,
  rows: readonly Row[],
  facts: { readonly command: string; readonly seconds: number },
): Promise<Summary> {
  const { plan } = context;
  const latencies = await latenciesOf(context, rows, (r) => r.fitted[0]?.file ?? r.teacher?.file ?? null);
  const models = new Map(rows.map((row) => [row, modelRow(context, row, latencies.get(row) ?? null)]));
  const robustness = await runRobustness(
    context,
    rows.map((row) => askable(context, row)),
  );
  const { labelled } = (rows.find((r) => r.role === "student") as Row).arm;
  return {
    ...(await aboutRun(context, { ...facts, labelled: labelled.length })),
    models: [...models.values()],
    comparisons: rows.filter((r) => r.role === "student").map((row) => compare(models, row, plan.seed)),
    darkKnowledge: await darkKnowledgeOf(context, rows),
    ...robustness,
    files: { student: "student.onnx", report: "report.html", summary: "summary.json", plan: "recipe.yaml" },
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
    ...aggregate(context.loaded, row.judged, context.plan.evaluation.topK),
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
    : { id, why: "only its answers for the unchanged samples are available" };
}

const PLAIN = "No baseline: the student itself learns from labels alone.";

/** The student against the baseline trained with the same architecture, budget and seeds. */
function compare(models: ReadonlyMap<Row, ModelRow>, student: Row, seed: number): Comparison {
  const rows = [...models.keys()];
  const scores = (row: Row): ModelRow => models.get(row) as ModelRow;
  const teacher = rows.find((r) => r.role === "teacher" && r.teachers === student.teachers) as Row;
  const base = { variant: student.arm.name, student: student.name, teacher: teacher.name };
  const baseline = rows.find((r) => r.role === "baseline" && trainingsOf(r.fitted) === student.baseline);
  if (!baseline) {
    const { labelled, plan } = student.arm;
    if (isPlain(plan)) return { ...base, baseline: null, sentence: PLAIN };
    const reason = labelled.length === 0 ? "no labels" : "switched off";
    const { agreement: agreeing, softKL: divergence, cosine: direction } = scores(student);
    const [agreement, softKL, cosine] = [agreeing?.mean ?? null, divergence?.mean ?? null, direction?.mean ?? null];
    return { ...base, baseline: null, sentence: noBaselineSentence({ reason, agreement, softKL, cosine }) };
  }
  const verdict = compareAccuracy(rightOf(student.judged), rightOf(baseline.judged), { seed });
  const mean = (row: Row): number | null => scores(row).accuracy?.mean ?? null;
  const { alpha, distillationLoss } = objectiveOf(student.arm.plan.objective);
  const facts = {
    teacherAccuracy: mean(teacher),
    baselineAccuracy: mean(baseline) ?? 0,
    temperature: temperatureOf(distillationLoss),
    alpha: alpha ?? DEFAULT_ALPHA,
    labelled: student.arm.labelled.length,
    seen: student.arm.transfer.length,
    available: student.arm.available,
    pseudoLabels: student.arm.plan.transfer.pseudoLabels !== undefined,
  };
  // Where no teacher is asked, no advice about one helps.
  const alone = asksNobody(student.arm.plan);
  const blind = isAtChance(scores(student)) && isAtChance(scores(baseline));
  const sentence = verdictSentence(verdict, { what: alone ? "The label loss" : undefined, blind });
  return {
    ...base,
    baseline: baseline.name,
    ...verdict,
    ...(blind && { verdict: null }),
    sentence,
    advice: alone ? null : advice(verdict, facts),
  };
}

/** The first teacher's softened answers on the test samples, beside the first student's. */
async function darkKnowledgeOf(context: RunContext, rows: readonly Row[]): Promise<Summary["darkKnowledge"]> {
  const find = (role: Row["role"]): Row | undefined => rows.find((r) => r.role === role);
  const store = find("teacher")?.teacher?.store;
  const student = find("student")?.fitted[0];
  const { data, splits } = context.loaded;
  if (!store || !student || data.classes.length === 0) return null;
  const { kind, ask } = storedAnswers(store);
  const samplesAt = (places: Uint32Array): Uint32Array => places.map((place) => splits.test[place] as number);
  const loss = context.plan.objective.distillationLoss;
  return darkKnowledge({
    data,
    test: splits.test,
    labels: testLabels(context.loaded),
    classes: data.classes.length,
    teacher: { kind, rows: (places) => ask(samplesAt(places)) },
    student: (places) => answersOf(student, data, samplesAt(places), context.execution.threads),
    temperature: temperatureOf(loss) ?? 1,
  });
}

/** The temperature of a loss that has one. */
function temperatureOf(loss: object | undefined): number | null {
  return loss && "temperature" in loss && typeof loss.temperature === "number" ? loss.temperature : null;
}
