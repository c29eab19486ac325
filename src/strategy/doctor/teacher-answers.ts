/** The teacher's answers: order of samples (methods.md, pitfall 5) and of classes, what they are, saturation. */
import { InputError } from "../../errors.js";
import { logProbabilities } from "../../evaluate/metrics.js";
import { maxOf } from "../../extremes.js";
import { checkKnowledge } from "../../teacher/knowledge.js";
import { detectKind } from "../../teacher/outputs.js";
import { type Answers, type Check, fine, skipped } from "./types.js";

const TEMPERATURES = [1, 2, 3, 4, 6, 8, 12, 20];
/** Mean probability away from the best class: below, soft targets are hard ones; above the second, they say something. */
const SATURATED = 0.01;
const SOFT = 0.1;

/** A shuffled or stale store answers no better than chance; classes in another order answer better in the right one. */
export const teacherOrder: Check = ({ answers, loaded, recipe }) => {
  const check = "teacher against labels";
  if (!answers) return [skipped(check, "the teacher cannot be asked")];
  try {
    const found = checkKnowledge("teacher", answers.values, loaded.data, answers.indices, answers.classes, {
      classes: "classes" in recipe.teacher ? recipe.teacher.classes : undefined,
      allowChance: false,
    });
    return [fine(check, found ?? "too few labelled samples to tell")];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const store = "label_store" in recipe.teacher;
    return [
      {
        check,
        status: "fail",
        found: error.message.replace(/^teacher: /, ""),
        why: store
          ? "the stored answers belong to other samples or another order of samples or classes (pitfall 5)"
          : "the student would learn from answers to another question",
        change: store
          ? "label the data again with `limbeck label`, and give the new folder as teacher.label_store"
          : "correct teacher.classes, teacher.normalise, teacher.layout or teacher.output",
      },
    ];
  }
};

/** A softmax of what is a probability already makes every target nearly even (pitfall 3). */
export const teacherOutputs: Check = ({ answers }) => {
  const check = "teacher's outputs";
  if (!answers) return [skipped(check, "the teacher cannot be asked")];
  const { values, classes, kind } = answers;
  if (kind !== "logits" || detectKind(values, classes) === "logits") return [fine(check, kind)];
  return [
    {
      check,
      status: "fail",
      found: `called logits, and yet at least 0 and 1 in sum in all of ${values.length / classes} samples, as after a softmax`,
      why: "a softmax of probabilities is nearly even: the student would learn next to nothing (pitfall 3)",
      change:
        "say what they are (teacher.outputs, teacher.answers): probabilities; a label store is to be labelled again",
    },
  ];
};

/** Soft targets that are as good as hard ones, and the temperature that softens them. */
export const softTargets: Check = ({ answers, objective }) => {
  const loss = objective.distillationLoss;
  const check = "soft targets";
  if (!answers) return [skipped(check, "the teacher cannot be asked")];
  if (!loss || !("temperature" in loss)) return [skipped(check, "the distillation loss has no temperature")];
  const t = loss.temperature;
  const rest = softness(answers, t);
  const found = `at T ${t} the teacher leaves ${(100 * rest).toFixed(2)} % to the other classes`;
  if (rest >= SATURATED) return [fine(check, found)];
  const better = TEMPERATURES.find((other) => other > t && softness(answers, other) >= SOFT);
  return [
    {
      check,
      status: "warn",
      found,
      why: "soft targets as hard as labels carry no more than labels do",
      change: better
        ? `--set objective.distillation_loss.temperature=${better} leaves ${(100 * softness(answers, better)).toFixed(0)} %`
        : `none up to T ${TEMPERATURES.at(-1)} softens them; standardise the logits, or train the teacher with less confidence`,
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
