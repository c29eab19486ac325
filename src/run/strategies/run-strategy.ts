/** Runs a strategy whose plan is a sequence of runs: hop after hop, then one summary and one report over all. */
import { trainedTeacherOf } from "../teaching/registry.js";
import { join, resolve } from "node:path";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError, within } from "../../base/errors.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { noun } from "../../base/noun.js";
import { checkedPlan } from "../recipe/load.js";
import { withAbsoluteFiles } from "../recipe/paths.js";
import type { Plan } from "../recipe/schema/schema.js";
import { expandArms } from "../pipeline/arms.js";
import { checkModels } from "../pipeline/check.js";
import { conclude } from "./conclude.js";
import { beginRun } from "../folder/begin-run.js";
import type { RunContext } from "../folder/context.js";
import type { DistillOptions, DistillResult } from "../pipeline/one-shot.js";
import { type OneShot, runHops } from "./hops.js";
import { type KnownTeacher, teacherToBe } from "../teaching/known-teacher.js";
import type { FinishedHop, Hop, HopPlan } from "./hop-plan.js";
import { type Prepared, prepareModel } from "../students/prepare.js";
import { deliverChosen } from "./deliver-chosen.js";
import { strategyEntryOf } from "./registry.js";
import { allRules } from "./rules.js";
import { factsOf } from "../teaching/rules/facts.js";
import { checkRules } from "../teaching/rules/rule.js";
import { settledByHops } from "./settled-by-hops.js";

/**
 * Runs a recipe whose strategy takes several trainings: hop after hop, then one summary and one report over all.
 * @throws InputError when the strategy makes no sense for this recipe; whatever a hop throws
 */
export async function runStrategy(plan: Plan, options: DistillOptions, oneShot: OneShot): Promise<DistillResult> {
  const { kind } = plan.strategy;
  // Corruptions are for the models of all hops side by side, at the end.
  const plain = { ...plan, evaluation: { ...plan.evaluation, robustness: false as const } };
  return beginRun({
    plan,
    options,
    check(loaded, folder) {
      checkRules(allRules(), ["strategy"], { plan, data: factsOf(loaded) });
      // A hop's paths start at its own folder: what lies outside of the run keeps its place.
      const own = withAbsoluteFiles(plain, folder);
      // No check looks into the folder of the run, which is not chosen yet.
      check(hopPlanOf(own, resolve("runs", plan.name), loaded), plan, loaded, folder);
      return own;
    },
    async work(run, own) {
      const given = { ...run.context, directory: resolve(run.context.directory) };
      const { directory } = given;
      const hopPlan = hopPlanOf(own, directory, given.loaded);
      given.emit({ kind: "stage", text: `${plan.name}: ${kind}, ${noun(hopPlan.hops.length, "hop")} in ${directory}` });
      const done = await runHops(directory, kind, hopPlan.hops, options, oneShot);
      const context = await settledByHops(given, done);
      context.emit({ kind: "stage", text: "Evaluating all models" });
      const command = options.command ?? "distill(recipe)";
      const summary = await conclude(context, hopPlan, done, { command, seconds: run.seconds() });
      return deliverStudent(context, hopPlan.deliver(done).hop, summary, hopPlan.everyStudent ? done : []);
    },
  });
}

/**
 * The recipe under which a strategy's student is first trained by the recipe's own teacher: what the strategy changes about
 * objective, views and samples is in it; the recipe itself where that is what is trained.
 */
export function firstHop(plan: Plan, loaded: LoadedData): Plan {
  if (!strategyEntryOf(plan).changesFirstHop) return plan;
  return hopPlanOf({ ...plan, variants: [] }, "", loaded).hops[0]?.plan ?? plan;
}

function hopPlanOf(plan: Plan, directory: string, { data }: LoadedData): HopPlan {
  const entry = strategyEntryOf(plan);
  if (!entry.planHops) throw new Error(`the strategy ${entry.kind} plans no hops and does not run as a whole`);
  const hopPlan = entry.planHops(plan, plan.strategy, directory, data);
  // Defaults of models that came from the strategy are there already; what a plan changed must still be a valid recipe.
  return { ...hopPlan, hops: hopPlan.hops.map((hop) => ({ ...hop, plan: checkedPlan(hop.plan, hop.title) })) };
}

/** A student at the end of the chain that does not fit the data must not wait for the hops before it. */
function check({ hops }: HopPlan, plan: Plan, loaded: LoadedData, folder: string): void {
  const alone = hops.find((hop) => hop.command !== "distill");
  if (alone && loaded.data.labels === null)
    throw new InputError({
      code: "labels-missing",
      where: "data",
      found: `it has no labels, and the strategy ${plan.strategy.kind} trains "${alone.title}" on labels alone`,
      cure: "Use another strategy, or add labels",
    });
  // Models of earlier hops are known by their titles: they teach later ones.
  const made = new Map<string, () => KnownTeacher | null>();
  for (const hop of hops) {
    const earlier = hop.teacher !== null && !hop.ownTeacher ? made.get(hop.teacher) : undefined;
    const ofTeacher = hop.command === "train-teacher";
    const model = inHop(hop.title, () =>
      hop.command === "distill"
        ? checkModels(expandArms(hop.plan, loaded), loaded, folder, earlier)
        : aloneModel(hop, loaded, folder),
    );
    const normalisation = hop.plan.export.raw && !ofTeacher ? null : loaded.normalisation;
    made.set(hop.title, () => model && teacherToBe(model, ofTeacher ? "teacher.model" : "student", normalisation));
  }
}

/** Says of wrong input which of the strategy's runs it is wrong for. */
function inHop<T>(title: string, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw within(cause, `hop "${title}"`);
  }
}

/** The model of a hop that is trained on labels alone. */
function aloneModel({ command, plan }: Hop, { data }: LoadedData, folder: string): Prepared | null {
  const { teacher, student } = plan;
  const model = command === "train-student" ? student : trainedTeacherOf(teacher)?.model;
  return model ? prepareModel(model, { folder, data, classes: data.classes.length, seed: 0 }) : null;
}

/** Delivers a hop's model as student.onnx, and beside it every hop's student where the plan wants them. */
function deliverStudent(
  context: RunContext,
  { hop, directory }: FinishedHop,
  summary: Summary,
  beside: readonly FinishedHop[],
): Promise<DistillResult> {
  const file = join(directory, hop.command === "distill" ? "student.onnx" : "model.onnx");
  const others = beside.map((d) => ({
    name: `student-${d.hop.title.replace(/[^\w.-]+/g, "-")}.onnx`,
    file: join(d.directory, "student.onnx"),
  }));
  return deliverChosen(context, file, summary, others);
}
