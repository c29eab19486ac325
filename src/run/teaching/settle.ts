/** What a run's recipe leaves to limbeck, settled once its teacher answers, and written into the run's recipe. */
import type { Plan } from "../recipe/schema/schema.js";
import type { Arm } from "./arm.js";
import { answersToSoften, leavesTemperature, settleTemperatures } from "./auto-temperature.js";
import type { RunContext } from "../folder/context.js";
import { writeRunRecipe } from "../folder/run-directory.js";
import type { ReadyTeacher } from "./ready-teacher.js";

/** The arm with a number for every temperature that it leaves to limbeck; says which. */
export function settleArm(context: RunContext, arm: Arm, { store }: ReadyTeacher): Arm {
  const { objective: given } = arm.plan;
  if (!leavesTemperature(given)) return arm;
  const answers = answersToSoften(store, arm.transfer, store.header.classes.length);
  const { objective, temperatures } = settleTemperatures(given, answers);
  for (const { said } of temperatures) {
    const text = arm.name ? `${arm.name}: ${said}` : said;
    if (context.notes.includes(text)) continue;
    context.emit({ kind: "info", text });
    context.notes.push(text);
  }
  return { ...arm, plan: { ...arm.plan, objective } };
}

/** The context of a run whose arms are settled: its recipe, in the folder too, says what was chosen. */
export async function settledContext(context: RunContext, arms: readonly Arm[]): Promise<RunContext> {
  const { plan, directory } = context;
  const base = arms.find((a) => a.name === "");
  const left = leavesTemperature(plan.objective) || plan.variants.some((v) => Object.values(v.set).includes("auto"));
  if (!base || !left) return context;
  const settled = settledRecipe(plan, base, arms);
  await writeRunRecipe(directory, settled);
  return { ...context, plan: settled };
}

/** A variant whose temperature is another than the recipe's sets it. */
function settledRecipe(plan: Plan, base: Arm, arms: readonly Arm[]): Plan {
  const { objective } = base.plan;
  const variants = plan.variants.map((variant) => {
    const arm = arms.find((a) => a.name === variant.name);
    if (!arm) return variant;
    const set = { ...variant.set };
    for (const [field, value] of temperaturesOf(arm.plan.objective)) {
      const left =
        set[field] === "auto" || (set[field] === undefined && temperaturesOf(plan.objective).get(field) === "auto");
      if (left && (set[field] === "auto" || value !== temperaturesOf(objective).get(field))) set[field] = value;
    }
    return { ...variant, set };
  });
  return { ...plan, objective, variants };
}

/** The temperatures of an objective, by their fields. */
export function temperaturesOf({ distillationLoss, terms = [] }: Plan["objective"]): Map<string, unknown> {
  const of = (loss: object, field: string): [string, unknown][] =>
    "temperature" in loss ? [[`objective.${field}.temperature`, loss.temperature]] : [];
  return new Map([...of(distillationLoss, "distillation_loss"), ...terms.flatMap((term, i) => of(term, `terms.${i}`))]);
}
