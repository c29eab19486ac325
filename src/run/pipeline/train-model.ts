/** Trains one model on labels alone; the implementation of `limbeck train`. */
import { trainedTeacherOf } from "../teaching/registry.js";
import type { ModelRow, Summary } from "../../learn/evaluate/summary.js";
import { noun } from "../../base/noun.js";
import { planOf } from "../recipe/load.js";
import { baselineObjectiveOf } from "../recipe/resolve.js";
import type { Plan, RecipeInput } from "../recipe/schema/schema.js";
import { aboutRun, type RunFacts } from "./about.js";
import { expandArms } from "./arms.js";
import type { Arm } from "../teaching/arm.js";
import { seeingAllClasses } from "../teaching/omission.js";
import { factsOf } from "../teaching/rules/facts.js";
import { checkRules } from "../teaching/rules/rule.js";
import { RULES } from "../teaching/rules/rules.js";
import { beginRun } from "../folder/begin-run.js";
import { type RunContext, type RunOptions, seedsOf } from "../folder/context.js";
import { deliver } from "../folder/deliver.js";
import type { AuditedData } from "../folder/load-audited.js";
import { scoreOf } from "../students/fit.js";
import type { FitRequest, Fitted } from "../students/fitted.js";
import { aggregate, type Judged, rightOf, scoreExported, warnOfWeakness } from "./judge.js";
import { latencyOf } from "../measure/measure.js";
import { omittedScores, withoutSaid } from "./omitted.js";
import { fitAll } from "../students/fit-all.js";
import { openExported, runRobustness } from "../measure/robustness.js";

export interface TrainModelOptions extends RunOptions {
  /** Which model of the recipe to train; default "student". */
  readonly model?: "student" | "teacher";
  /** Folder of the run; default runs/<name>-student or runs/<name>-teacher, or with -2 ... if it exists. */
  readonly out?: string;
}

export interface TrainModelResult {
  readonly directory: string;
  /** One row, no comparison. */
  readonly summary: Summary;
  /** The exported model of the seed with the best validation score. */
  readonly model: string;
  readonly summaryFile: string;
}

/**
 * Trains the recipe's student (or its teacher) on labels alone, once per seed. Validation selects the weights and the seed
 * that is exported. The test samples are evaluated once.
 * @throws InputError if the recipe or its data cannot be used, RunError if training fails, InterruptedError if it is stopped
 */
export async function trainModel(input: RecipeInput, options: TrainModelOptions = {}): Promise<TrainModelResult> {
  return trainPlan(planOf(input), options);
}

/** The same for a plan. */
export async function trainPlan(plan: Plan, options: TrainModelOptions): Promise<TrainModelResult> {
  const which = options.model ?? "student";
  return beginRun({
    plan,
    options,
    // The folder's name and its identity differ from those of the recipe's own run and of the other model's.
    marks: { kind: "train", name: `${plan.name}-${which}` },
    check: (loaded) => checkAlone(plan, which, loaded),
    async work({ context, seconds }, { arm, request }) {
      context.emit({ kind: "stage", text: `Training the ${which} of ${plan.name} on labels alone` });
      const requests = seedsOf(plan).map((seed) => ({ ...request, name: `${which}, seed ${seed}`, seed }));
      const fitted = await fitAll(context, requests);
      context.emit({ kind: "stage", text: "Evaluating" });
      const row = await measure(context, which, fitted, which === "student" ? arm : null);
      const { command = "trainModel(recipe)" } = options;
      const threads = context.execution.threads;
      const seeds = fitted.map((f) => ({ seed: f.request.seed, open: () => openExported(f, threads) }));
      const robustness = await runRobustness(context, [{ id: row.id, role: row.role, seeds }]);
      const summary = await summarise(context, row, { command, ...robustness, seconds: seconds() });
      return deliverBest(context, fitted, summary);
    },
  });
}

/** What is trained and how. @throws InputError when it cannot be */
function checkAlone(
  plan: Plan,
  which: "student" | "teacher",
  loaded: AuditedData,
): { readonly arm: Arm; readonly request: Omit<FitRequest, "name" | "seed"> } {
  checkRules(RULES, [`${which}-training`], { plan, data: factsOf(loaded) });
  const arm = expandArms(withoutDistillation(plan, which), loaded)[0] as Arm;
  return { arm, request: requestFor(which, plan, arm) };
}

/**
 * The recipe as far as labels alone go: what it says of teacher and variants must not stand in the way, nor what it says of the
 * student in that of the teacher. Random views are checked by who trains with them.
 */
export function withoutDistillation(plan: Plan, which: "student" | "teacher" = "student"): Plan {
  // With alpha 1, no label is used and no loss against labels built.
  const plain = { kind: "cross-entropy", labelSmoothing: 0 } as const;
  const objective = { ...plan.objective, alpha: 1, weights: undefined, studentLoss: plain };
  const own = which === "student" ? plan.transfer : seeingAllClasses(plan.transfer);
  const transfer = { ...own, views: undefined, pseudoLabels: undefined };
  return { ...plan, variants: [], objective, transfer, training: { ...plan.training, augment: undefined } };
}

function requestFor(which: "student" | "teacher", plan: Plan, arm: Arm): Omit<FitRequest, "name" | "seed"> {
  const { teacher, student, training, objective } = plan;
  if (which === "student")
    return {
      role: "baseline",
      model: student,
      training,
      objective: baselineObjectiveOf(objective),
      samples: arm.labelled,
      shifted: arm.omission?.shifted,
    };
  const trained = trainedTeacherOf(teacher);
  if (!trained) throw new Error("a teacher that is trained has a model");
  return {
    role: "teacher",
    model: trained.model,
    training: trained.training,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy", labelSmoothing: trained.labelSmoothing } },
    samples: arm.teacherSamples,
  };
}

async function measure(
  context: RunContext,
  which: "student" | "teacher",
  fitted: readonly Fitted[],
  arm: Arm | null,
): Promise<ModelRow> {
  const { loaded, execution, plan } = context;
  const judged: Judged[] = [];
  for (const f of fitted) {
    const scored = await scoreExported(context, f, null);
    const { selection, steps, seconds } = f.result;
    judged.push({ seed: f.request.seed, scored, selection, steps, seconds });
  }
  warnOfWeakness(context, which, judged);
  const first = fitted[0] as Fitted;
  const timing = { runs: plan.evaluation.latencyRuns, threads: execution.threads, signal: context.signal };
  return {
    id: which,
    role: which === "student" ? "baseline" : "teacher",
    name: which,
    architecture: first.architecture,
    parameters: first.parameters,
    macs: first.macs,
    fileBytes: first.fileBytes,
    trainedOn: `${noun(first.request.samples.length, "sample")} with labels${arm ? withoutSaid(arm, loaded.data.classes) : ""}`,
    objective: "cross-entropy with the labels",
    ...aggregate(loaded, judged, plan.evaluation.topK),
    latency: await latencyOf(first.file, timing, loaded.data.sampleShape),
    curves: fitted.map(({ request, result }) => ({ seed: request.seed, points: result.curve })),
    gradientShares: [],
    ...(arm?.omission ? { omitted: await omittedScores(context, arm.omission, fitted, rightOf(judged)) } : {}),
  };
}

type Facts = RunFacts & Pick<Summary, "robustness">;

async function summarise(context: RunContext, row: ModelRow, { robustness, ...facts }: Facts): Promise<Summary> {
  return {
    ...(await aboutRun(context, facts)),
    models: [row],
    comparisons: [],
    darkKnowledge: null,
    ...(robustness && { robustness }),
    files: { model: "model.onnx", summary: "summary.json", plan: "recipe.yaml" },
  };
}

/** Delivers the model of the best seed. */
function deliverBest(context: RunContext, fitted: readonly Fitted[], summary: Summary): Promise<TrainModelResult> {
  const score = (f: Fitted): number => scoreOf(f).accuracy ?? Number.NEGATIVE_INFINITY;
  const { file, expects } = fitted.reduce((a, b) => (score(b) > score(a) ? b : a));
  return deliver(context, { models: [{ name: "model.onnx", file }], expects, summary });
}
