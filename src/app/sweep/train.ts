/** The trainings of a sweep: rung by rung, several at a time, every one as `limbeck distill` would train it. */
import type { ScoreMetric } from "../../learn/evaluate/score-metric.js";
import { teacherEntryOf } from "../../run/teaching/registry.js";
import { InputError, RunError } from "../../base/errors.js";
import { meanInterval } from "../../learn/evaluate/interval.js";
import type { SweepRow, SweepRung } from "../../learn/evaluate/sweep.js";
import { noun } from "../../base/noun.js";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { objectiveOf } from "../../run/recipe/resolve.js";
import { viewsHash } from "../../learn/teacher/store/view-store.js";
import type { ValidationScore } from "../../learn/train/types.js";
import { mainScore } from "../../learn/train/validate.js";
import type { Arm } from "../../run/teaching/arm.js";
import { fingerprint, type RunContext, seedsOf } from "../../run/folder/context.js";
import { fit, scoreOf, trainingOfRequest } from "../../run/students/fit.js";
import type { FitRequest } from "../../run/students/fitted.js";
import { fitAllWith } from "../../run/students/fit-all.js";
import { studentRequest } from "../../run/pipeline/rows.js";
import { settleArm } from "../../run/teaching/settle.js";
import { prepareTeacher } from "../../run/teaching/teachers.js";
import type { ReadyTeacher } from "../../run/teaching/ready-teacher.js";
import { viewAnswersOf, viewPlanOf } from "../../run/teaching/views.js";
import type { Combination } from "./combinations.js";
import { rungsFor, withBudget } from "./halving.js";

/** A combination and the samples it may see. */
export interface Candidate extends Combination {
  readonly arm: Arm;
}

export interface Swept {
  /** Best first. */
  readonly rows: SweepRow[];
  readonly rungs: SweepRung[];
  readonly metric: ScoreMetric;
  /** Names of the teachers. */
  readonly teachers: string[];
}

/** What is kept of a training. */
interface Outcome {
  readonly score: ValidationScore | null;
  readonly steps: number;
  readonly seconds: number;
  readonly parameters: number | null;
  readonly error: string | null;
}

type Unranked = Omit<SweepRow, "rank">;

/**
 * Trains every combination over the recipe's seeds and ranks them by their validation scores.
 * @throws RunError when every training fails
 */
export async function trainSweep(context: RunContext, candidates: readonly Candidate[]): Promise<Swept> {
  const rungs = rungsFor(candidates.length, context.plan.sweep?.halving);
  const teachers = new Map<string, ReadyTeacher>();
  const results = new Map<Candidate, Unranked>();
  let metric: Swept["metric"] | undefined;
  let left = [...candidates];
  for (const [i, { budget, combinations }] of rungs.entries()) {
    left = left.slice(0, combinations);
    const share = budget === 1 ? "" : ` with 1/${Math.round(1 / budget)} of the budget`;
    if (rungs.length > 1)
      context.emit({
        kind: "stage",
        text: `Rung ${i + 1} of ${rungs.length}: ${noun(left.length, "combination")}${share}`,
      });
    const trained = await trainRung(context, left, budget, i + 1, teachers);
    metric ??= trained.metric;
    for (const [candidate, row] of trained.rows) results.set(candidate, row);
    left = left
      .filter((c) => results.get(c)?.score)
      .sort((a, b) => order(results.get(a) as Unranked, results.get(b) as Unranked));
  }
  const rows = candidates.map((c) => results.get(c) as Unranked).sort(order);
  return {
    rows: rows.map((row, i) => ({ rank: i + 1, ...row })),
    rungs,
    metric: metric ?? "accuracy",
    teachers: [...new Set([...teachers.values()].map((t) => t.name))],
  };
}

/** Who came further stands first, then the better score, then the smaller tie. */
function order(a: Unranked, b: Unranked): number {
  if (a.rung !== b.rung) return b.rung - a.rung;
  const [x, y] = [a.score?.mean ?? -1, b.score?.mean ?? -1];
  return x !== y ? y - x : (a.tie ?? Number.POSITIVE_INFINITY) - (b.tie ?? Number.POSITIVE_INFINITY) || 0;
}

async function trainRung(
  context: RunContext,
  candidates: readonly Candidate[],
  budget: number,
  rung: number,
  teachers: Map<string, ReadyTeacher>,
): Promise<{ rows: Map<Candidate, Unranked>; metric: Swept["metric"] | undefined }> {
  const seeds = seedsOf(context.plan);
  const requests = new Map<string, FitRequest>();
  const ids = new Map<Candidate, string[]>();
  for (const candidate of candidates) {
    const own: string[] = [];
    for (const seed of seeds) {
      const request = await requestOf(context, candidate, budget, seed, teachers);
      const { id } = trainingOfRequest(context, request);
      // Two combinations may be the same training: a temperature with alpha 0 changes nothing.
      if (!requests.has(id)) requests.set(id, request);
      own.push(id);
    }
    ids.set(candidate, own);
  }
  const outcomes = await fitAllWith(context, [...requests.values()], attempt);
  if (outcomes.every((o) => o.error !== null))
    throw new RunError({
      code: "diverged",
      where: "sweep",
      found: `every training failed; the first: ${outcomes[0]?.error}`,
      cure: "Sweep over other values, such as lower learning rates",
    });
  const byId = new Map([...requests.keys()].map((id, i) => [id, outcomes[i] as Outcome]));
  const rows = candidates.map((c): [Candidate, Unranked] => [c, rowOf(c, seeds, ids.get(c) ?? [], byId, rung)]);
  const known = outcomes.find((o) => o.score !== null)?.score;
  return { rows: new Map(rows), metric: known ? mainScore(known)?.metric : undefined };
}

/** A learning rate that diverges is a result of the sweep, not its end. */
async function attempt(context: RunContext, request: FitRequest): Promise<Outcome> {
  try {
    const fitted = await fit(context, request);
    const { result, parameters } = fitted;
    return { score: scoreOf(fitted), steps: result.steps, seconds: result.seconds, parameters, error: null };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return { score: null, steps: 0, seconds: 0, parameters: null, error: error.message };
  }
}

async function requestOf(
  context: RunContext,
  { arm, title }: Candidate,
  budget: number,
  seed: number,
  teachers: Map<string, ReadyTeacher>,
): Promise<FitRequest> {
  const { teacher: described } = arm.plan;
  const entry = teacherEntryOf(described);
  const seen = entry.readsLabels?.(described) ? arm.labelled : null;
  const layers = objectiveLayers(objectiveOf(arm.plan.objective)).map((l) => l.teacher);
  const own = { ...arm, plan: withBudget(arm.plan, budget) };
  const viewPlan = viewPlanOf(own);
  const views = viewPlan ? viewsHash(context.loaded.data, viewPlan) : viewAnswersOf(own.plan);
  const key = fingerprint(described, arm.teacherSamples, seen, entry.perSeed?.(described) ? seed : null, layers, views);
  const teacher = teachers.get(key) ?? (await prepareTeacher(context, own, seed));
  teachers.set(key, teacher);
  const settled = settleArm(context, own, teacher);
  return studentRequest(settled, context.loaded, teacher, seed, `${title}, seed ${seed}`);
}

function rowOf(
  { values, set }: Candidate,
  seeds: readonly number[],
  ids: readonly string[],
  outcomes: ReadonlyMap<string, Outcome>,
  rung: number,
): Unranked {
  const own = ids.map((id) => outcomes.get(id) as Outcome);
  const scores = own.map((o) => (o.score ? (mainScore(o.score)?.value ?? null) : null));
  const whole = scores.every((s) => s !== null);
  const ties = own.map((o) => (o.score?.accuracy === null ? o.score.softKL : o.score?.nll) ?? null);
  return {
    values,
    set,
    score: whole ? meanInterval(scores) : null,
    tie: ties.every((t) => t !== null) ? ties.reduce((a, t) => a + t, 0) / ties.length : null,
    seeds: own.map(({ steps, seconds }, i) => ({
      seed: seeds[i] as number,
      score: scores[i] ?? null,
      steps,
      seconds,
      training: `trainings/${ids[i]}`,
    })),
    parameters: own[0]?.parameters ?? null,
    rung,
    error: own.find((o) => o.error !== null)?.error ?? null,
  };
}

/** Without labels the score is agreement with the teacher: with another teacher it means something else. */
export function checkMetric(candidates: readonly Candidate[]): void {
  if (candidates[0]?.arm.hasLabels) return;
  const path = candidates.flatMap((c) => Object.keys(c.values)).find((p) => /^teacher(\.|$)/.test(p));
  if (path)
    throw new InputError({
      code: "labels-missing",
      where: `sweep ${path}`,
      found: "without labels students are scored by agreement with the teacher, so teachers cannot be compared",
      cure: "Sweep over fields of the student, or add labels",
    });
}
