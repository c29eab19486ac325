/** Shares of the gradient at the start: methods.md, pitfall 8. */
import { evaluateObjective } from "../../evaluate/objective.js";
import { gradientShares, shareWarnings } from "../../objective/gradient-shares.js";
import { type ObjectiveConfig, objectiveWeights } from "../../objective/objective.js";
import { type Check, fine } from "./types.js";

const CHECK = "term scales";
const SAMPLES = 64;

/** Compares the terms' gradients at a student that holds every class equally possible, as fresh weights nearly do. */
export const termScales: Check = async ({ objective, answers, loaded }) => {
  if (!answers || !objective.distillationLoss) return [];
  const { classes, kind, values, indices } = answers;
  const rows = Array.from(indices, (sample, row) => ({ row, label: loaded.data.labels?.[sample] ?? -1 }))
    .filter(({ label }) => label >= 0 && label < classes)
    .slice(0, SAMPLES);
  const weights = objectiveWeights(objective);
  if (rows.length === 0 || weights.student === 0 || weights.distillation === 0) return [];
  const teacher = rows.map(({ row }) => values.subarray(row * classes, (row + 1) * classes));
  const given = {
    studentLogits: rows.map(() => new Float64Array(classes)),
    ...(kind === "logits" ? { teacherLogits: teacher } : { teacherProbabilities: teacher }),
    labels: rows.map(({ label }) => label),
  };
  const norm = async (of: ObjectiveConfig): Promise<number> =>
    Math.hypot(...(await evaluateObjective(of, given)).gradient.flat());
  const { studentLoss, distillationLoss } = objective;
  const norms = {
    student: weights.student * (await norm({ alpha: 0, studentLoss })),
    distillation:
      weights.distillation * (await norm({ alpha: 1, studentLoss: { kind: "cross-entropy" }, distillationLoss })),
  };
  const shares = gradientShares(norms);
  const found = `gradient shares at the start: ${Object.entries(shares)
    .map(([name, share]) => `${name} ${(100 * share).toFixed(1)} %`)
    .join(", ")}`;
  if (shareWarnings(shares).length === 0) return [fine(CHECK, found)];
  const [small, large] = norms.student < norms.distillation ? ["student", "distillation"] : ["distillation", "student"];
  const factor = norms[large as keyof typeof norms] / Math.max(norms[small as keyof typeof norms], 1e-30);
  const wanted = weights[small as keyof typeof weights] * factor;
  return [
    {
      check: CHECK,
      status: "fail",
      found,
      why: `the ${small} term is ${factor.toPrecision(2)} times smaller than the other, so its weight does nothing (pitfall 8)`,
      change: `give weights in place of alpha: --set 'objective.weights={${small}: ${wanted.toPrecision(2)}, ${large}: ${weights[large as keyof typeof weights]}}' makes them even`,
    },
  ];
};
