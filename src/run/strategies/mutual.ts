/**
 * Deep mutual learning: K students train together, each from the labels and from the others' answers, which are constants to
 * it: L_i = CE + weight / (K - 1) sum over j of KL(p_j || p_i). Zhang et al., CVPR 2018, arXiv:1706.00384. All take their step at
 * once, on the answers of before it; in the paper they take turns. One run: one training graph holds them all.
 */
import { shortModelName } from "../../engine/models/registry.js";
import { isAbsent } from "../teaching/registry.js";
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { modelSchema } from "../recipe/schema/model-schema.js";
import { resolve } from "node:path";
import { accuracy } from "../../learn/evaluate/metrics.js";
import { noBaselineSentence, verdictSentence } from "../../learn/evaluate/sentence.js";
import type { Comparison, ModelRow, Summary } from "../../learn/evaluate/summary.js";
import { compare } from "../../learn/evaluate/verdict.js";
import { isAtChance } from "../../learn/evaluate/weak-models.js";
import type { LoadedData } from "../../learn/data/types.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { maxOf } from "../../base/extremes.js";
import { noun } from "../../base/noun.js";
import { baselineObjectiveOf } from "../recipe/resolve.js";
import type { Plan } from "../recipe/schema/schema.js";
import { aboutRun } from "../pipeline/about.js";
import { expandArms } from "../pipeline/arms.js";
import type { Arm } from "../teaching/arm.js";
import { askable, type ChainRow } from "./chain-row.js";
import { checkModels } from "../pipeline/check.js";
import { beginRun } from "../folder/begin-run.js";
import { labelsOf, type RunContext, seedsOf } from "../folder/context.js";
import type { DistillOptions, DistillResult } from "../pipeline/one-shot.js";
import { answersOf } from "../students/fit.js";
import type { Fitted } from "../students/fitted.js";
import { fitPeers, weightSeedOf } from "../students/fit-peers.js";
import { aggregate, type Judged, rightOf, scoreExported, testLabels, warnOfWeakness } from "../pipeline/judge.js";
import { latenciesOf } from "../measure/measure.js";
import { omittedScores, withoutSaid } from "../pipeline/omitted.js";
import { distinct } from "./hop-plan.js";
import { fitAll } from "../students/fit-all.js";
import { runRobustness } from "../measure/robustness.js";
import { noteHops } from "../folder/run-directory.js";
import { allRules } from "./rules.js";
import { factsOf } from "../teaching/rules/facts.js";
import { checkRules } from "../teaching/rules/rule.js";
import { deliverChosen } from "./deliver-chosen.js";
import { mutualRules } from "./mutual-rules.js";
import { withoutDistillation } from "../pipeline/train-model.js";
import type { JointTraining, Strategy, StrategyOf } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z
      .literal("mutual")
      .describe("Students that train together, each on the labels and on the others' answers (Zhang 2018)"),
    students: z
      .number()
      .int()
      .min(2)
      .optional()
      .describe(
        "Number of copies of the recipe's student, each with its own weights; default 2. Set either students or models",
      ),
    models: z.array(modelSchema()).min(1).optional().describe("Other models that train with the recipe's student"),
    weight: z.number().min(0).default(1).describe("Weight of the loss between the students"),
    temperature: z.number().positive().default(1).describe("Temperature of their answers, on both sides"),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    mutual: typeof schema;
  }
}

type Models = readonly Plan["student"][];

export const mutual: Strategy<"mutual"> = {
  kind: "mutual",
  schema,
  asksTeacher: () => false,
  studentsTeach: true,
  rules: mutualRules,
  run,
  jointTraining,
};

async function run(plan: Plan, strategy: StrategyOf<"mutual">, options: DistillOptions): Promise<DistillResult> {
  const models = peerModels(plan, strategy);
  return beginRun({
    plan,
    options,
    check(loaded, folder) {
      const arm = expandArms(withoutDistillation(plan), loaded)[0] as Arm;
      const student = { samples: arm.transfer.length, labelled: arm.labelled.length };
      const seen = { student, teacher: arm.teacherSamples.length };
      checkRules(allRules(), ["strategy"], { plan, data: factsOf(loaded), seen });
      const arms = models.map((model) => ({ ...arm, plan: { ...plan, student: model } }));
      checkModels(arms, loaded, folder);
      return arm;
    },
    async work(run, arm) {
      const context = { ...run.context, directory: resolve(run.context.directory) };
      await noteHops(context.directory, { kind: "mutual", done: 0, hops: 1 });
      if (!isAbsent(plan.teacher))
        context.notes.push("Students that learn together do not use a teacher, so the recipe's teacher was ignored.");
      context.emit({ kind: "stage", text: `${plan.name}: ${models.length} students learn from each other` });
      const names = distinct(models.map((m, i) => `student ${i + 1} (${shortModelName(m)})`));
      const together = await trainTogether(context, { models, names, strategy, arm });
      const baselines = plan.baseline ? await trainAlone(context, models, arm) : [];
      context.emit({ kind: "stage", text: "Evaluating" });
      const judged = await judge(context, arm, { models, names, together, baselines });
      const seconds = run.seconds();
      const best = await bestOnValidation(context, together.flat());
      const summary = await summarise(context, judged, arm, { seconds, command: options.command, best });
      await noteHops(context.directory, { kind: "mutual", done: 1, hops: 1 });
      return deliverChosen(context, best.file, summary);
    },
  });
}

function jointTraining(plan: Plan, strategy: StrategyOf<"mutual">, loaded: LoadedData): JointTraining {
  const models = peerModels(plan, strategy);
  const alone = expandArms(withoutDistillation(plan), loaded)[0] as Arm;
  const arm = { ...alone, plan: { ...alone.plan, training: plan.training } };
  return { models, arm, objective: { ...peerObjective(plan, strategy), peers: models.length } };
}

/** What one of the students minimises. */
function peerObjective({ objective }: Plan, { weight, temperature }: StrategyOf<"mutual">): ObjectiveConfig {
  return {
    studentLoss: baselineObjectiveOf(objective).studentLoss,
    distillationLoss: { kind: "mutual", temperature },
    weights: { student: 1, distillation: weight },
  };
}

/** The models that learn together, the recipe's student first. */
function peerModels({ student }: Plan, { students, models }: StrategyOf<"mutual">): Models {
  return models ? [student, ...models] : Array.from({ length: students ?? 2 }, () => student);
}

/** @returns [student][seed] */
async function trainTogether(
  context: RunContext,
  hopPlan: {
    readonly models: Models;
    readonly names: readonly string[];
    readonly strategy: StrategyOf<"mutual">;
    readonly arm: Arm;
  },
): Promise<Fitted[][]> {
  const { models, names, strategy, arm } = hopPlan;
  const { training } = context.plan;
  const objective = peerObjective(context.plan, strategy);
  const bySeed: Fitted[][] = [];
  for (const seed of seedsOf(context.plan))
    bySeed.push(
      await fitPeers(context, {
        models,
        names,
        training,
        objective,
        samples: arm.labelled,
        seed,
      }),
    );
  return models.map((_, i) => bySeed.map((fitted) => fitted[i] as Fitted));
}

/** Each of them by itself: from its own start weights, on the same labels with the same budget. @returns [student][seed] */
async function trainAlone(context: RunContext, models: Models, arm: Arm): Promise<Fitted[][]> {
  const { objective, training } = context.plan;
  const seeds = seedsOf(context.plan);
  const names = baselineNames(models);
  const requests = models.flatMap((model, i) =>
    seeds.map((seed) => ({
      name: `${names[i]}, seed ${seed}`,
      role: "baseline" as const,
      model,
      training,
      objective: baselineObjectiveOf(objective),
      samples: arm.labelled,
      seed,
      // The first starts as any baseline does, and shares its training.
      ...(i === 0 ? {} : { weightSeed: weightSeedOf(context, seed, i) }),
    })),
  );
  const fitted = await fitAll(context, requests);
  return models.map((_, i) => fitted.slice(i * seeds.length, (i + 1) * seeds.length));
}

const baselineNames = (models: Models): string[] => models.map((m, i) => `baseline ${i + 1} (${shortModelName(m)})`);

interface JudgedRow extends ChainRow {
  /** Id of the row to compare with; null for a baseline, or without one. */
  readonly against: string | null;
}

interface Trained {
  readonly models: Models;
  readonly names: readonly string[];
  readonly together: readonly (readonly Fitted[])[];
  /** [student][seed]; none without baselines. */
  readonly baselines: readonly (readonly Fitted[])[];
}

/** Each student's row, then those of their baselines. */
async function judge(
  context: RunContext,
  arm: Arm,
  { models, names, together, baselines }: Trained,
): Promise<JudgedRow[]> {
  const rows: JudgedRow[] = [];
  const alone = baselineNames(models);
  for (const [i, own] of together.entries()) {
    const against = baselines.length > 0 ? (alone[i] as string) : null;
    rows.push({ ...(await rowOf(context, names[i] as string, "student", own, arm)), against });
  }
  for (const [i, own] of baselines.entries())
    rows.push({ ...(await rowOf(context, alone[i] as string, "baseline", own, arm)), against: null });
  return rows;
}

async function rowOf(
  context: RunContext,
  id: string,
  role: "student" | "baseline",
  fitted: readonly Fitted[],
  arm: Arm,
): Promise<ChainRow> {
  const { loaded, plan } = context;
  const judged: Judged[] = [];
  for (const f of fitted) {
    const scored = await scoreExported(context, f, null);
    const { selection, steps, seconds } = f.result;
    judged.push({ seed: f.request.seed, scored, selection, steps, seconds });
  }
  warnOfWeakness(context, id, judged);
  const first = fitted[0] as Fitted;
  const samples = `${noun(first.request.samples.length, "sample")} with labels`;
  const without = withoutSaid(arm, loaded.data.classes);
  const omitted = arm.omission && (await omittedScores(context, arm.omission, fitted, rightOf(judged)));
  return {
    row: {
      id,
      role,
      name: id,
      variant: "",
      architecture: first.architecture,
      parameters: first.parameters,
      macs: first.macs,
      fileBytes: first.fileBytes,
      trainedOn: `${samples}${role === "student" ? " and the other students' answers" : ""}${without}`,
      ...aggregate(loaded, judged, plan.evaluation.topK),
      latency: null,
      curves: fitted.map((f) => ({ seed: f.request.seed, points: f.result.curve })),
      gradientShares: first.result.gradientShares,
      ...(omitted ? { omitted } : {}),
    } satisfies ModelRow,
    files: fitted.map((f) => f.file),
    right: async () => rightOf(judged),
  };
}

/** Of all students and seeds: which weights to keep was decided for all students of a seed at once, on their mean. */
async function bestOnValidation(context: RunContext, fitted: readonly Fitted[]): Promise<Fitted> {
  const { loaded, execution } = context;
  const { validation } = loaded.splits;
  const labels = labelsOf(loaded, validation);
  const scores: number[] = [];
  for (const f of validation.length > 0 ? fitted : [])
    scores.push(
      accuracy(await answersOf(f, loaded.data, validation, execution.threads), labels, loaded.data.classes.length),
    );
  return fitted[Math.max(0, scores.indexOf(maxOf(scores)))] as Fitted;
}

async function summarise(
  context: RunContext,
  rows: readonly JudgedRow[],
  arm: Arm,
  facts: { readonly seconds: number; readonly command?: string; readonly best: Fitted },
): Promise<Summary> {
  const latencies = await latenciesOf(context, rows, (r) => r.files[0] ?? null);
  const comparisons: Comparison[] = [];
  for (const r of rows) if (r.row.role === "student") comparisons.push(await comparisonOf(context, r, rows));
  const robustness = await runRobustness(
    context,
    rows.map((r) => askable(context, r)),
  );
  const { seconds, command = "distill(recipe)", best } = facts;
  const about = await aboutRun(context, { command, seconds, labelled: arm.labelled.length });
  return {
    ...about,
    models: rows.map((r) => ({ ...r.row, latency: latencies.get(r) ?? null })),
    comparisons,
    darkKnowledge: null,
    ...robustness,
    files: { student: "student.onnx", report: "report.html", summary: "summary.json", plan: "recipe.yaml" },
    notes: [
      ...about.notes,
      `student.onnx is ${best.request.name}: ${context.loaded.splits.validation.length > 0 ? "the best validation score" : "the first student, because the data has no validation samples"}.`,
    ],
  };
}

async function comparisonOf(context: RunContext, own: JudgedRow, rows: readonly JudgedRow[]): Promise<Comparison> {
  const base = { variant: own.row.id, student: own.row.id, teacher: "" };
  const baseline = rows.find((r) => r.row.id === own.against);
  if (!baseline || !testLabels(context.loaded)) {
    const sentence = noBaselineSentence({
      reason: baseline ? "no labels" : "switched off",
      agreement: null,
      softKL: null,
    });
    return { ...base, baseline: null, sentence };
  }
  const verdict = compare(await own.right(), await baseline.right(), { seed: context.plan.seed });
  const blind = isAtChance(own.row) && isAtChance(baseline.row);
  return {
    ...base,
    baseline: baseline.row.id,
    ...verdict,
    ...(blind && { verdict: null }),
    sentence: verdictSentence(verdict, { blind }),
  };
}
