/** The arms of a run: the recipe itself and each variant, with the samples each may see. */
import type { TeacherOf } from "../teaching/teacher-entry.js";
import { trainedTeachersOf } from "../teaching/registry.js";
import { strategyEntry } from "../recipe/registries.js";
import type { Arm } from "../teaching/arm.js";
import { isDeepStrictEqual } from "node:util";
import { labelsOf } from "../../learn/data/labels/labels.js";
import { halves, stratifiedSubset } from "../../learn/data/splits.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError, within } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { withChanges } from "../recipe/load.js";
import { asksNobody, baselineObjectiveOf, plainLabelsOf } from "../recipe/resolve.js";
import type { Plan } from "../recipe/schema/schema.js";
import { omissionOf, withoutClasses } from "../teaching/omission.js";
import { factsOf } from "../teaching/rules/facts.js";
import { checkRules } from "../teaching/rules/rule.js";
import { RULES } from "../teaching/rules/rules.js";

/** Whether the student itself is what a baseline would be. */
export function isPlain(plan: Plan): boolean {
  // Students that learn together teach each other: the objective is not all they have.
  if (strategyEntry(plan.strategy).studentsTeach || !asksNobody(plan)) return false;
  return isDeepStrictEqual(baselineObjectiveOf(plan.objective), plainLabelsOf(plan.objective));
}

/** Expands a recipe. @throws InputError when an arm asks for labels or samples that are not there */
export function expandArms(plan: Plan, loaded: LoadedData): Arm[] {
  return [{ name: "", set: {} as Record<string, unknown> }, ...plan.variants].map((variant) => {
    const changed =
      variant.name === "" ? plan : withChanges({ ...plan, variants: [] }, variant.set, `variants "${variant.name}"`);
    return inVariant(variant.name, () => armOf(variant.name, changed, loaded));
  });
}

/** Runs the check; what is wrong with a variant is told with its name. */
function inVariant<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw name && error instanceof InputError ? within(error, `variants "${name}"`) : error;
  }
}

/** What the teachers that the recipe trains see. */
function trainOnOf({ teacher }: Plan): TeacherOf<"trained">["trainOn"] {
  const first = trainedTeachersOf(teacher)[0]?.trainOn;
  return first ?? "all";
}

/** Samples with a label. */
function withLabels(samples: Uint32Array, loaded: LoadedData): Uint32Array {
  const labels = labelsOf(loaded, samples);
  return samples.filter((_, i) => (labels[i] as number) >= 0);
}

/** Of the student's own samples those whose labels it may use. @throws InputError when there are fewer than wanted */
function labelledOf({ transfer, data: { split } }: Plan, own: Uint32Array, loaded: LoadedData): Uint32Array {
  const { labelled: wanted } = transfer;
  const { labels, classes } = loaded.data;
  const there = withLabels(own, loaded);
  if (wanted !== "all" && wanted > there.length)
    throw new InputError({
      code: "budget-invalid",
      where: "transfer.labelled",
      found: `${noun(wanted, "labelled sample")} ${wanted === 1 ? "is" : "are"} wanted, and the student has ${there.length.toLocaleString("en-US")}`,
      cure: `Set transfer.labelled to ${there.length} or less, or to all`,
    });
  if (wanted === "all" || labels === null) return there;
  return stratifiedSubset(labels, there, wanted, split.seed, classes, "labelled", "transfer.labelled");
}

function armOf(name: string, plan: Plan, loaded: LoadedData): Arm {
  const { data, splits } = loaded;
  const hasLabels = data.labels !== null;
  let own: Uint32Array = splits.train;
  let teacherSamples: Uint32Array = splits.train;
  const facts = factsOf(loaded);
  checkRules(RULES, ["student"], { plan, data: facts });
  const trainOn = trainOnOf(plan);
  if (trainOn === "disjoint-half")
    [teacherSamples, own] = halves(data.labels, splits.train, plan.data.split.seed, data.classes, "teacher.train_on");
  else if (plan.transfer.part === "second-half")
    own = halves(data.labels, splits.train, plan.data.split.seed, data.classes, "transfer.part")[1];
  const allLabelled = labelledOf(plan, own, loaded);
  if (trainOn === "labelled") teacherSamples = allLabelled;
  if (hasLabels) teacherSamples = withLabels(teacherSamples, loaded);
  const allTransfer = plan.transfer.samples === "all" || allLabelled.length === 0 ? own : allLabelled;
  const omission = omissionOf(plan, loaded);
  const seen = (samples: Uint32Array): Uint32Array => (omission ? withoutClasses(samples, omission, loaded) : samples);
  const [labelled, transfer] = [seen(allLabelled), seen(allTransfer)];
  const student = { samples: transfer.length, labelled: labelled.length };
  checkRules(RULES, ["samples"], { plan, data: facts, seen: { student, teacher: teacherSamples.length } });
  return {
    name,
    plan,
    teacherSamples,
    labelled,
    transfer,
    available: omission ? own.filter((i) => !omission.classes.includes(data.labels?.[i] ?? -1)).length : own.length,
    hasLabels,
    baseline: plan.baseline && labelled.length > 0 && !isPlain(plan),
    omission,
  };
}
