/** Recipes that leave a temperature to limbeck: it is chosen once the teacher's answers are there. Nothing here is Node's. */
import { usualTemperature } from "../../engine/objective/registry.js";
import type { ObjectivePlan } from "../recipe/schema/schema.js";
import { type AnswersToSoften, chooseTemperature } from "../../learn/teacher/temperature.js";
import type { TeacherOutputs } from "../../learn/teacher/taught.js";

/** Samples whose answers are looked at. */
const ASKED = 2000;
/** Values looked at: fewer samples where there are many classes. */
const VALUES = 4e6;
/** Of standardised logits: Sun et al. 2024. */
const STANDARDISED = 2;

/** A temperature with the field it belongs to. */
export interface SettledTemperature {
  /** "objective.distillation_loss.temperature", "objective.terms.0.temperature". */
  readonly field: string;
  readonly temperature: number;
  /** One line for people. */
  readonly said: string;
}

export interface SettledObjective {
  readonly objective: ObjectivePlan;
  /** In the order of the fields; empty where the recipe names every temperature. */
  readonly temperatures: readonly SettledTemperature[];
}

const isAuto = (loss: object | undefined): boolean =>
  loss !== undefined && "temperature" in loss && loss.temperature === "auto";

/** Whether a temperature is left to limbeck. */
export const leavesTemperature = ({ distillationLoss, terms = [] }: ObjectivePlan): boolean =>
  isAuto(distillationLoss) || terms.some(isAuto);

/** The objective with a number in place of every "auto". */
export function settleTemperatures(objective: ObjectivePlan, answers: AnswersToSoften): SettledObjective {
  const temperatures: SettledTemperature[] = [];
  const settled = <L extends { readonly kind: string }>(loss: L, field: string): L => {
    if (!isAuto(loss)) return loss;
    const { temperature, because } =
      "standardise" in loss && loss.standardise
        ? { temperature: STANDARDISED, because: "the loss standardises the logits" }
        : chooseTemperature(answers, usualTemperature(loss.kind));
    const path = `objective.${field}.temperature`;
    temperatures.push({ field: path, temperature, said: `${path}: auto is ${temperature}, because ${because}` });
    return { ...loss, temperature };
  };
  const distillationLoss = settled(objective.distillationLoss, "distillation_loss");
  const terms = objective.terms?.map((term, i) => settled(term, `terms.${i}`));
  return { objective: { ...objective, distillationLoss, ...(terms ? { terms } : {}) }, temperatures };
}

/** What a teacher answered for some of these samples, evenly picked. @param classes values a row */
export function answersToSoften(
  teacher: Pick<TeacherOutputs, "kind" | "gather">,
  samples: Uint32Array,
  classes: number,
): AnswersToSoften {
  const count = Math.min(samples.length, ASKED, Math.max(1, Math.floor(VALUES / classes)));
  const some = Uint32Array.from(
    { length: count },
    (_, i) => samples[Math.floor((i * samples.length) / count)] as number,
  );
  const values = new Float32Array(count * classes);
  teacher.gather(some, values);
  return { kind: teacher.kind, values, classes };
}
