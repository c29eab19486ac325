/** A high temperature for a small student with plenty of labels: costs one point on Fashion-MNIST (docs/results.md). */
import { usualTemperature } from "../../engine/objective/registry.js";
import { expandArms } from "../../run/pipeline/arms.js";
import { prepareModel } from "../../run/students/prepare.js";
import { type Check, fine, skipped } from "./types.js";

/** Measured: 20,490 and 24,790 parameters with 60,000 labels lose a point at T 4, nothing at T 2; with 3,000 labels they gain two. */
const SMALL = 50_000;
const PLENTY = 20_000;
const HIGH = 2;

export const temperature: Check = ({ plan, folder, loaded, objective }) => {
  const loss = objective.distillationLoss;
  const classes = loaded.data.classes.length;
  const check = "temperature for the student";
  if (!loss || !("temperature" in loss)) return [skipped(check, "the loss has no temperature")];
  if ("standardise" in loss && loss.standardise) return [skipped(check, "the loss standardises the logits")];
  if (classes === 0) return [skipped(check, "the data has no class names, so the student's size is not known")];
  const labels = expandArms(plan, loaded)[0]?.labelled.length ?? 0;
  const { parameters } = prepareModel(plan.student, { folder, data: loaded.data, classes, seed: 0 });
  const t = loss.temperature ?? usualTemperature(loss.kind);
  const found = `T ${t}, ${parameters} parameters, ${labels} labels`;
  if (parameters >= SMALL || labels < PLENTY || t <= HIGH) return [fine(check, found)];
  return [
    {
      check,
      status: "warn",
      found,
      why: "on Fashion-MNIST, students of this size with this many labels lost one point at T 4 and nothing at T 2",
      change: `--set objective.distillation_loss.temperature=${HIGH} --set objective.alpha=0.5`,
    },
  ];
};
