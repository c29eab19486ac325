/** Each term's share of the gradient at the start. */
import { type CompiledTraining, compileTraining } from "../../engine/compile/compile.js";
import { FEATURE, TEACHER } from "../../engine/compile/step.js";
import {
  DROWNING_SHARE,
  gradientShares,
  negligibleTerms,
  shareInWords,
} from "../../engine/objective/gradient-shares.js";
import {
  type ObjectiveConfig,
  objectiveLayers,
  objectiveNeeds,
  objectiveWeights,
} from "../../engine/objective/objective.js";
import { isAlwaysZero } from "../../engine/objective/schedule.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import type { ArmStep } from "../../run/pipeline/step-options.js";
import { orReason } from "./asked.js";
import { callStep } from "./compiled-step.js";
import { stepOptions } from "./layers.js";
import { type Check, type Finding, fine, type Patient, skipped } from "./types.js";

const CHECK = "term scales";
const SAMPLES = 64;
/** Of the gradient, for a further term that had nothing: it is meant to help, not to lead. */
const HELPING = 0.1;

/** Measures every term's gradient over the student's parameters, at its start weights, as the run's log does. */
export const termScales: Check = async (patient) => {
  const { objective, teacher, plan } = patient;
  if (!teacher) return [skipped(CHECK, "the teacher's answers are not available")];
  const indices = batchOf(patient);
  if (indices.length === 0) return [skipped(CHECK, "no samples are available")];
  let options: ArmStep | undefined;
  let compiled: CompiledTraining | undefined;
  const unfit = orReason(() => {
    options = stepOptions(patient, indices.length);
    compiled = compileTraining(options);
  });
  if (unfit || !compiled || !options) return [unbuilt(objective, unfit ?? "")];
  if (!compiled.diagnostic) return [fine(CHECK, `the objective has one term: ${compiled.terms.join(", ")}`)];
  const { answers, features } = await teacher.answerWithFeatures(indices);
  const outputs = await callStep(compiled.diagnostic.graph, {
    compiled,
    model: options.model,
    data: patient.loaded.data,
    indices,
    samples: options.samples(),
    inputs: new Map([[TEACHER, answers], ...features.map((f, i): [string, Float32Array] => [FEATURE + i, f])]),
  });
  const norms = Object.fromEntries(
    compiled.terms.map((name) => [name, outputs.get(`step/norm/${name}`)?.[0] ?? Number.NaN]),
  );
  const shares = gradientShares(norms);
  const found = `gradient shares at the start: ${Object.entries(shares)
    .map(([name, share]) => `${name} ${shareInWords(share)}`)
    .join(", ")}`;
  const loud = Object.keys(shares).find((name) => (shares[name] as number) > DROWNING_SHARE);
  const idle = negligibleTerms(shares);
  if (loud === undefined && idle.length === 0) return [fine(CHECK, found)];
  return [
    {
      check: CHECK,
      status: "fail",
      found,
      why: loud
        ? `the term ${loud} drowns out the other terms, so their weights have no effect`
        : `${idle.join(" and ")} ${idle.length > 1 ? "have" : "has"} practically no effect`,
      change: advice(plan.objective.alpha !== undefined, objective, norms, loud, idle),
    },
  ];
};

/** What keeps the step from being built; the check of layers has said so already where there are any. */
function unbuilt(objective: ObjectiveConfig, reason: string): Finding {
  if (objectiveLayers(objective).length > 0) return skipped(CHECK, `the step cannot be built: ${reason}`);
  return {
    check: CHECK,
    status: "fail",
    found: `the training step cannot be built: ${reason}`,
    why: "the run would stop before its student is trained",
    change: "fix the cause named above",
  };
}

/** Samples that the student will see, with labels where the objective reads them. */
function batchOf({ plan, loaded, objective }: Patient): Uint32Array {
  const { transfer, labelled } = expandArms(plan, loaded)[0] as Arm;
  return (objectiveNeeds(objective).labels ? labelled : transfer).slice(0, SAMPLES);
}

type Norms = Readonly<Record<string, number>>;

/** What to set so that the terms stand in a proportion in which each counts. */
function advice(
  alpha: boolean,
  objective: ObjectiveConfig,
  norms: Norms,
  loud: string | undefined,
  idle: readonly string[],
): string {
  const names = Object.keys(norms).filter((name) => name !== "student" && name !== "distillation");
  const others = (name: string): number =>
    Object.entries(norms).reduce((sum, [other, norm]) => sum + (other === name ? 0 : norm), 0);
  const own = (name: string): number => Math.max(norms[name] as number, 1e-30);
  const settle = (name: string, share: number): string => {
    const at = termIndex(objective, names, name);
    const weight = (objective.terms?.[at]?.weight ?? 1) * (share / (1 - share)) * (others(name) / own(name));
    return `--set objective.terms.${at}.weight=${weight.toPrecision(2)} gives ${name} ${Math.round(100 * share)} % of the gradient`;
  };
  const extra = loud !== undefined ? [loud].filter((n) => names.includes(n)) : idle.filter((n) => names.includes(n));
  if (extra.length > 0) return extra.map((name) => settle(name, loud === name ? 0.5 : HELPING)).join("; ");
  const [small, large] =
    (norms.student ?? 0) < (norms.distillation ?? 0)
      ? (["student", "distillation"] as const)
      : (["distillation", "student"] as const);
  const weights = objectiveWeights(objective);
  const wanted = (weights[small] * own(large)) / own(small);
  const instead = alpha ? " --set objective.alpha=null" : "";
  return `use weights instead of alpha:${instead} --set 'objective.weights={${small}: ${wanted.toPrecision(2)}, ${large}: ${weights[large]}}' gives both the same share`;
}

/** Place in objective.terms of a term of the step: those that are 0 in the whole training are not among the step's. */
function termIndex({ terms = [] }: ObjectiveConfig, names: readonly string[], name: string): number {
  const active = terms.flatMap((t, i) => (t.weight === 0 || isAlwaysZero(t.schedule) ? [] : [i]));
  return active[names.indexOf(name)] as number;
}
