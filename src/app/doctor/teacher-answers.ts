/** The teacher's answers: order of samples and of classes, their kind, saturation. */
import { storeOf, teacherEntryOf } from "../../run/teaching/registry.js";
import { InputError } from "../../base/errors.js";
import { logProbabilities } from "../../learn/evaluate/metrics.js";
import { maxOf } from "../../base/extremes.js";
import { usualTemperature } from "../../engine/objective/registry.js";
import { checkKnowledge } from "../../learn/teacher/knowledge.js";
import { detectKind } from "../../learn/teacher/outputs.js";
import { type Answers, type Check, fine, skipped } from "./types.js";

const TEMPERATURES = [1, 2, 3, 4, 6, 8, 12, 20];
/** Mean probability away from the best class: below, soft targets are hard ones; above the second, they say something. */
const SATURATED = 0.01;
const SOFT = 0.1;

/** A shuffled or stale store is no better than chance; classes in the wrong order score better in the right order. */
export const teacherOrder: Check = ({ answers, loaded, plan }) => {
  const check = "teacher against labels";
  if (!answers) return [skipped(check, "the teacher's answers are not available")];
  try {
    const found = checkKnowledge("teacher", answers.values, loaded.data, answers.indices, answers.classes, {
      classes: teacherEntryOf(plan.teacher).classes?.(plan.teacher),
      allowChance: false,
    });
    return [fine(check, found ?? "too few labelled samples to judge")];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const store = storeOf(plan.teacher, "") !== null;
    return [
      {
        check,
        status: "fail",
        found: error.found,
        why: store
          ? "the stored answers belong to other samples, or to a different order of samples or classes"
          : "the student would learn wrong answers",
        change: store
          ? "label the data again with `limbeck label`, and set teacher.label_store to the new folder"
          : "correct teacher.classes, teacher.normalise, teacher.layout or teacher.output",
      },
    ];
  }
};

/** A softmax of probabilities makes every target nearly uniform. */
export const teacherOutputs: Check = ({ answers }) => {
  const check = "teacher's outputs";
  if (!answers) return [skipped(check, "the teacher's answers are not available")];
  const { values, classes, kind } = answers;
  if (kind !== "logits" || detectKind(values, classes) === "logits") return [fine(check, kind)];
  return [
    {
      check,
      status: "fail",
      found: `declared as logits, but non-negative and summing to 1 in all ${values.length / classes} samples, as after a softmax`,
      why: "a softmax of probabilities is nearly uniform, so the student would learn almost nothing",
      change: "set teacher.outputs or teacher.answers to probabilities; for a label store, label again",
    },
  ];
};

/** Soft targets that are as good as hard ones, and the temperature that softens them. */
export const softTargets: Check = ({ answers, objective }) => {
  const loss = objective.distillationLoss;
  const check = "soft targets";
  if (!answers) return [skipped(check, "the teacher's answers are not available")];
  if (!loss || !("temperature" in loss)) return [skipped(check, "the distillation loss has no temperature")];
  const t = loss.temperature ?? usualTemperature(loss.kind);
  const rest = softness(answers, t);
  const found = `at T ${t}, the teacher gives ${(100 * rest).toFixed(2)} % to the classes other than its first choice`;
  if (rest >= SATURATED) return [fine(check, found)];
  const better = TEMPERATURES.find((other) => other > t && softness(answers, other) >= SOFT);
  return [
    {
      check,
      status: "warn",
      found,
      why: "soft targets that are almost hard carry no more information than labels",
      change: better
        ? `--set objective.distillation_loss.temperature=${better} gives them ${(100 * softness(answers, better)).toFixed(0)} %`
        : `no temperature up to T ${TEMPERATURES.at(-1)} softens them; standardise the logits, or train a less confident teacher`,
    },
  ];
};

/** 1 - the mean probability of the best class at temperature t. */
function softness({ values, classes, kind }: Answers, t: number): number {
  const rows = values.length / classes;
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += 1 - Math.exp(maxOf(logProbabilities(values, row, classes, kind, t)));
  return sum / rows;
}
