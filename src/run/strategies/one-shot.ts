/** The ordinary strategy: one teacher, its students, their baselines. Hinton, Vinyals & Dean 2015, arXiv:1503.02531. */
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { oneShot as runOnce } from "../pipeline/one-shot.js";
import type { Strategy } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({ kind: z.literal("one-shot").describe("The teacher teaches the student (Hinton 2015)") }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    "one-shot": typeof schema;
  }
}

export const oneShot: Strategy<"one-shot"> = {
  kind: "one-shot",
  schema,
  asksTeacher: () => true,
  single: true,
  run: (plan, _, options) => runOnce(plan, options),
};
