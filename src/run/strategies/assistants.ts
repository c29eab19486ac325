/**
 * Teacher assistants: a gap in size between teacher and student is crossed in steps, T -> TA_1 -> ... -> S, each hop a
 * distillation with the recipe's objective. Mirzadeh et al., AAAI 2020, arXiv:1902.03393.
 */
import { shortModelName } from "../../engine/models/registry.js";
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { modelSchema } from "../recipe/schema/model-schema.js";
import { trainingSchema } from "../recipe/schema/training-schema.js";
import type { Plan } from "../recipe/schema/schema.js";
import { distinct, folderName, type Hop, type Pair, single, taughtBy } from "./hop-plan.js";
import type { HopStrategy } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z
      .literal("assistants")
      .describe(
        "The teacher teaches the first assistant, each assistant teaches the next, and the last teaches the student (Mirzadeh 2020)",
      ),
    models: z.array(modelSchema()).min(1).describe("The assistants, in order from teacher to student"),
    training: trainingSchema
      .optional()
      .describe("Budget and optimisation of these models; default: the recipe's training"),
    direct: z
      .boolean()
      .default(true)
      .describe("Also distil the student directly from the teacher, as the result that assistants have to beat"),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    assistants: typeof schema;
  }
}

export const assistants: HopStrategy<"assistants"> = {
  kind: "assistants",
  schema,
  asksTeacher: () => true,
  assists: true,
  planHops(plan, { models, training, direct }, directory) {
    const names = distinct(models.map((m, i) => `assistant ${i + 1} (${shortModelName(m)})`));
    const hops: Hop[] = [];
    const add = (title: string, from: Hop | null, changes: Partial<Plan>): void => {
      const base = from ? taughtBy(plan, directory, from, plan.seeds) : plan;
      hops.push({
        title,
        folder: folderName(hops.length + 1, title),
        command: "distill",
        plan: single(base, changes),
        teacher: from?.title ?? "teacher",
        ownTeacher: from === null,
      });
    };
    models.forEach((student, i) => {
      add(names[i] as string, hops[i - 1] ?? null, {
        student,
        training: training ?? plan.training,
        baseline: false,
      });
    });
    add("student", hops[hops.length - 1] as Hop, {});
    const pairs: Pair[] = [{ title: "", student: "student", against: "own baseline" }];
    if (direct) {
      add("student, directly", null, { baseline: false });
      pairs.push({
        title: "student vs. direct distillation",
        student: "student",
        against: { hop: "student, directly", role: "student" },
        what: "With assistants vs. direct distillation",
      });
    }
    return {
      hops,
      pairs,
      deliver: (done) => ({
        hop: done[models.length] as (typeof done)[number],
        reason: "the last hop of the chain",
      }),
    };
  },
};
