/** The main job: teacher -> label store -> students and baselines over seeds -> comparison -> export -> report. */
import { readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { basename, join } from "node:path";
import { writeFileAtomic } from "../atomic.js";
import type { DataConfig } from "../data/config.js";
import { loadData } from "../data/load.js";
import { type Latency, measureLatencies } from "../evaluate/latency.js";
import { verdictSentence } from "../evaluate/sentence.js";
import type { Comparison, ModelRow, Summary } from "../evaluate/summary.js";
import { compare as compareAccuracy } from "../evaluate/verdict.js";
import { packageVersion } from "../package-root.js";
import { parseRecipe, recipeToYaml } from "../recipe/load.js";
import { baselineObjectiveOf, camelKeys, objectiveOf } from "../recipe/resolve.js";
import type { Recipe, RecipeInput } from "../recipe/schema.js";
import { openSession, type Session } from "../runtime/session.js";
import { type Arm, expandArms } from "./arms.js";
import type { RunContext } from "./context.js";
import { darkKnowledge } from "./dark-knowledge.js";
import type { RunEvent } from "./events.js";
import { answersOf, type Fitted, fit } from "./fit.js";
import { aggregate, hits, type Judged } from "./judge.js";
import { claimDirectory, finishDirectory } from "./run-directory.js";
import { writeSnippets } from "./snippets.js";
import { prepareTeacher, type ReadyTeacher } from "./teachers.js";

export interface DistillOptions {
  /** Folder of the run; default runs/<name>, or runs/<name>-2 ... when taken. */
  readonly out?: string;
  /** Continue this run (true: the newest unfinished one of this name). */
  readonly resume?: boolean | string;
  /** Relative paths in the recipe start here; default the working folder. */
  readonly folder?: string;
  readonly threads?: number;
  readonly device?: "cpu" | "webgpu";
  /** Seconds between checkpoints of a training; default 2. */
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  /** How the run was started, for the report. */
  readonly command?: string;
}

export interface DistillResult {
  readonly directory: string;
  readonly summary: Summary;
  /** Paths of the student, the report and the summary. */
  readonly student: string;
  readonly report: string;
  readonly summaryFile: string;
}

/** One row in the making: a model of an arm over its seeds. */
interface Row {
  readonly role: ModelRow["role"];
  readonly arm: Arm;
  readonly name: string;
  readonly trainedOn: string;
  readonly fitted: readonly Fitted[];
  readonly judged: readonly Judged[];
  readonly teacher: ReadyTeacher | null;
}

/**
 * Runs a recipe from data to report.
 * @throws InputError when the recipe or its inputs are wrong, RunError when the run fails, InterruptedError when stopped
 */
export async function distill(input: RecipeInput, options: DistillOptions = {}): Promise<DistillResult> {
  const recipe = parseRecipe(input);
  const started = performance.now();
  const folder = options.folder ?? process.cwd();
  const emit = options.onEvent ?? (() => {});
  const loaded = await loadData(camelKeys(recipe.data) as DataConfig, { folder });
  const arms = expandArms(recipe, loaded);
  const directory = await claimDirectory(recipe, options);
  const execution = { threads: options.threads ?? 0, device: options.device ?? "cpu" };
  const context: RunContext = {
    recipe,
    folder,
    directory,
    loaded,
    execution,
    checkpointSeconds: options.checkpointSeconds,
    signal: options.signal,
    emit,
    warnings: [],
    notes: [],
  };
  const rows = await trainAll(context, arms);
  emit({ kind: "stage", text: "Measuring" });
  const summary = await summarise(context, rows, options, (performance.now() - started) / 1000);
  const student = await deliver(context, rows, summary);
  const [report, summaryFile] = [join(directory, "report.html"), join(directory, "summary.json")];
  return { directory, summary, student, report, summaryFile };
}

async function trainAll(context: RunContext, arms: readonly Arm[]): Promise<Row[]> {
  const rows: Row[] = [];
  const { recipe } = context;
  const seeds = Array.from({ length: recipe.seeds }, (_, i) => recipe.seed + i);
  const seen = new Set<string>();
  for (const arm of arms) {
    context.emit({ kind: "stage", text: arm.name ? `Variant: ${arm.name}` : `Distilling ${recipe.name}` });
    const teachers: ReadyTeacher[] = [];
    const students: Fitted[] = [];
    const baselines: Fitted[] = [];
    for (const seed of seeds) {
      const teacher = await prepareTeacher(context, arm, seed);
      teachers.push(teacher);
      const label = (what: string): string => `${arm.name ? `${arm.name}: ` : ""}${what}, seed ${seed}`;
      const common = { model: arm.recipe.student, training: arm.recipe.training, seed };
      students.push(
        await fit(context, {
          ...common,
          name: label("student"),
          role: "student",
          objective: objectiveOf(arm.recipe.objective),
          samples: arm.transfer,
          teacher: teacher.store,
        }),
      );
      if (!arm.baseline) continue;
      baselines.push(
        await fit(context, {
          ...common,
          name: label("baseline"),
          role: "baseline",
          objective: baselineObjectiveOf(arm.recipe.objective),
          samples: arm.labelled,
        }),
      );
    }
    const prefix = arm.name ? `${arm.name}: ` : "";
    const teacherKey = teachers.map((t) => t.key).join();
    if (!seen.has(teacherKey)) rows.push(await teacherRow(context, arm, teachers, prefix));
    seen.add(teacherKey);
    rows.push(await studentRow(context, arm, "student", students, teachers, `${prefix}student`));
    const baselineKey = baselines.map((b) => b.id).join();
    if (arm.baseline && !seen.has(baselineKey))
      rows.push(await studentRow(context, arm, "baseline", baselines, teachers, `${prefix}baseline`));
    seen.add(baselineKey);
  }
  return rows;
}

async function teacherRow(
  context: RunContext,
  arm: Arm,
  teachers: readonly ReadyTeacher[],
  prefix: string,
): Promise<Row> {
  const unique = [...new Map(teachers.map((t) => [t.key, t])).values()];
  const judged = unique.map((t, i): Judged => {
    const answers = teacherAnswers(context, t);
    const result = t.fitted?.result;
    return {
      seed: t.fitted?.request.seed ?? i,
      answers,
      kind: t.store.kind,
      teacher: null,
      selection: result?.selection ?? "as given",
      steps: result?.steps ?? 0,
      seconds: result?.seconds ?? 0,
    };
  });
  const fitted = unique.flatMap((t) => (t.fitted ? [t.fitted] : []));
  return {
    role: "teacher",
    arm,
    name: `${prefix}teacher`,
    trainedOn: (unique[0] as ReadyTeacher).trainedOn,
    fitted,
    judged,
    teacher: unique[0] as ReadyTeacher,
  };
}

function teacherAnswers(context: RunContext, teacher: ReadyTeacher): Float32Array {
  const { test } = context.loaded.splits;
  const out = new Float32Array(test.length * teacher.store.header.classes.length);
  teacher.store.gather(test, out);
  return out;
}

async function studentRow(
  context: RunContext,
  arm: Arm,
  role: "student" | "baseline",
  fitted: readonly Fitted[],
  teachers: readonly ReadyTeacher[],
  name: string,
): Promise<Row> {
  const { loaded, execution } = context;
  const judged: Judged[] = [];
  for (const [i, f] of fitted.entries()) {
    const answers = await answersOf(f.file, loaded.data, loaded.splits.test, execution.threads);
    const teacher = teachers[i] as ReadyTeacher;
    const { selection, steps, seconds } = f.result;
    judged.push({
      seed: f.request.seed,
      answers,
      kind: "logits",
      teacher: { answers: teacherAnswers(context, teacher), kind: teacher.store.kind },
      selection,
      steps,
      seconds,
    });
  }
  const labels =
    role === "baseline"
      ? "with labels"
      : arm.transfer.length === arm.labelled.length && objectiveOf(arm.recipe.objective).alpha !== 1
        ? "with labels and the teacher's answers"
        : "with the teacher's answers only";
  const count = role === "baseline" ? arm.labelled.length : arm.transfer.length;
  return { role, arm, name, trainedOn: `${count} samples ${labels}`, fitted, judged, teacher: null };
}

async function summarise(
  context: RunContext,
  rows: readonly Row[],
  options: DistillOptions,
  seconds: number,
): Promise<Summary> {
  const { loaded, recipe } = context;
  const latencies = await latenciesOf(context, rows);
  const models = rows.map((row, i) => modelRow(context, row, latencies.get(String(i)) ?? null));
  return {
    limbeck: packageVersion(),
    name: recipe.name,
    description: recipe.description ?? null,
    command: options.command ?? "distill(recipe)",
    durationSeconds: seconds,
    environment: {
      node: process.versions.node,
      "onnxruntime-node": "1.30.0",
      platform: `${platform()}-${arch()}`,
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      threads: context.execution.threads,
    },
    recipe,
    data: {
      name: loaded.data.name,
      origin: loaded.data.origin ?? null,
      hash: loaded.data.hash,
      sampleShape: loaded.data.sampleShape,
      classes: loaded.data.classes,
      counts: {
        train: loaded.splits.train.length,
        validation: loaded.splits.validation.length,
        test: loaded.splits.test.length,
      },
    },
    models,
    comparisons: rows.filter((r) => r.role === "student").map((row) => compare(context, rows, row, recipe.seed)),
    darkKnowledge: darkKnowledge(
      context,
      rows.find((r) => r.role === "teacher"),
      rows.find((r) => r.role === "student"),
    ),
    files: { student: "student.onnx", report: "report.html", summary: "summary.json", recipe: "recipe.yaml" },
    notes: context.notes,
    warnings: context.warnings,
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
  };
}

/** The student against the baseline trained with the same architecture, budget and seeds. */
function compare(context: RunContext, rows: readonly Row[], student: Row, seed: number): Comparison {
  const teacher =
    rows.find((r) => r.role === "teacher" && r.arm === student.arm) ?? (rows.find((r) => r.role === "teacher") as Row);
  const base = { variant: student.arm.name, student: student.name, teacher: teacher.name };
  const same = (r: Row): boolean =>
    JSON.stringify([r.arm.recipe.student, r.arm.recipe.training, [...r.arm.labelled]]) ===
    JSON.stringify([student.arm.recipe.student, student.arm.recipe.training, [...student.arm.labelled]]);
  const baseline = student.arm.baseline ? rows.find((r) => r.role === "baseline" && same(r)) : undefined;
  if (!baseline) {
    const why = student.arm.labelled.length === 0 ? "there are no labels to train one on" : "the recipe wants none";
    return {
      ...base,
      baseline: null,
      sentence: `No baseline was trained (${why}), so nothing is said about whether distillation helped; agreement with the teacher is in the table.`,
    };
  }
  const verdict = compareAccuracy(
    student.judged.map((j) => hits(context.loaded, j.answers)),
    baseline.judged.map((j) => hits(context.loaded, j.answers)),
    { seed },
  );
  return { ...base, baseline: baseline.name, ...verdict, sentence: verdictSentence(verdict) };
}

async function latenciesOf(context: RunContext, rows: readonly Row[]): Promise<Map<string, Latency>> {
  const sessions: Session[] = [];
  try {
    const measured = [];
    for (const [i, row] of rows.entries()) {
      const file = row.fitted[0]?.file ?? row.teacher?.file;
      if (!file) continue;
      const session = await openSession(file, { threads: context.execution.threads });
      sessions.push(session);
      const feed = oneSample(session);
      if (feed) measured.push({ name: String(i), run: () => session.run(feed) });
    }
    const latencies = await measureLatencies(measured, { runs: context.recipe.evaluation.latency_runs });
    return new Map(measured.map((m, i) => [m.name, latencies[i] as Latency]));
  } finally {
    for (const session of sessions) await session.dispose();
  }
}

/** Zeros for every input at batch 1 (or the fixed batch); null when a size is unknown. */
function oneSample(session: Session) {
  const feeds: Parameters<Session["run"]>[0] = Object.fromEntries(
    session.inputs.map((input) => {
      const shape = input.shape.map((d, i) => (typeof d === "number" && d > 0 ? d : i === 0 ? 1 : Number.NaN));
      const size = shape.reduce((p, d) => p * d, 1);
      const data = input.dtype === "uint8" ? new Uint8Array(size || 0) : new Float32Array(size || 0);
      return [input.name, { dtype: input.dtype, shape, data }];
    }),
  );
  const known = session.inputs.every(
    (i) => (i.dtype === "uint8" || i.dtype === "float32") && feeds[i.name]?.shape.every((d) => Number.isFinite(d)),
  );
  return known ? feeds : null;
}

/** Copies the best student out and writes summary, report and snippets. */
async function deliver(context: RunContext, rows: readonly Row[], summary: Summary): Promise<string> {
  const { directory, recipe } = context;
  const students = rows.filter((r) => r.role === "student");
  for (const row of students) {
    const best = row.fitted.reduce((a, b) =>
      (b.result.chosen.accuracy ?? b.result.chosen.agreement ?? 0) >
      (a.result.chosen.accuracy ?? a.result.chosen.agreement ?? 0)
        ? b
        : a,
    );
    const name = row.arm.name ? `student-${row.arm.name.replace(/[^\w.-]+/g, "-")}.onnx` : "student.onnx";
    await writeFileAtomic(join(directory, name), readFileSync(best.file));
  }
  const student = join(directory, "student.onnx");
  await writeSnippets(directory, basename(student), context.loaded.data.sampleShape);
  await writeFileAtomic(join(directory, "recipe.yaml"), recipeToYaml(recipe as Recipe));
  await writeFileAtomic(join(directory, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  const { renderReport } = await import("../report/html.js");
  await writeFileAtomic(join(directory, "report.html"), await renderReport(summary));
  await finishDirectory(directory);
  return student;
}
