/**
 * The table of rules: which features exclude each other, and what they need of the data. Runs, sweeps, doctor, init and
 * labelling ask it, so that all say the same. What a strategy excludes is in run/strategies/rules.ts. A rule about one
 * section of the recipe alone ("alpha and weights are both given") is part of that section's schema.
 */
import { evaluationRules } from "./evaluation-rules.js";
import { objectiveRules } from "./objective-rules.js";
import type { TableRule } from "./rule.js";
import { teacherRules } from "./teacher-rules.js";
import { transferRules } from "./transfer-rules.js";
import { variantRules } from "./variant-rules.js";
import { viewRules } from "./view-rules.js";

/** In the order in which they are asked. */
export const RULES: readonly TableRule[] = [
  ...variantRules,
  ...teacherRules,
  ...objectiveRules,
  ...transferRules,
  ...viewRules,
  ...evaluationRules,
];
