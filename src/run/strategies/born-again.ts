/**
 * Born-again networks: generation k has the same architecture as the others, fresh weights, and generation k - 1 as its
 * teacher; the generations together are an ensemble. Furlanello et al., ICML 2018, arXiv:1805.04770.
 */
import { trainedTeacherOf } from "../teaching/registry.js";
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { count } from "../../base/schema-fields.js";
import type { Plan } from "../recipe/schema/schema.js";
import { folderName, type Hop, type Pair, single, taughtBy } from "./hop-plan.js";
import type { HopStrategy } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z
      .literal("born-again")
      .describe(
        "Each generation has the student's architecture and fresh weights, and the previous generation as teacher (Furlanello 2018)",
      ),
    generations: count.default(3).describe("Number of generations; the recipe's teacher is generation 0"),
    ensemble: z.boolean().default(true).describe("Also score the mean of the generations' probabilities"),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    "born-again": typeof schema;
  }
}

export const bornAgain: HopStrategy<"born-again"> = {
  kind: "born-again",
  schema,
  asksTeacher: () => true,
  planHops(plan, { generations, ensemble }, directory) {
    const hops: Hop[] = [];
    const teacher = trainedTeacherOf(plan.teacher);
    if (teacher)
      hops.push({
        title: "generation 0",
        folder: "0-generation-0",
        command: "train-teacher",
        plan: single(plan, { seeds: teacher.seeds === "each" ? plan.seeds : 1 }),
        teacher: null,
      });
    for (let k = 1; k <= generations; k++) {
      const before = hops[hops.length - 1];
      const title = `generation ${k}`;
      const base = before ? taughtBy(plan, directory, before, before.plan.seeds) : plan;
      hops.push({
        title,
        folder: folderName(k, title),
        command: "distill",
        plan: single(base, { seed: freshSeed(plan, k), baseline: plan.baseline && k === generations }),
        teacher: before?.title ?? "teacher",
        ownTeacher: !before,
      });
    }
    const last = `generation ${generations}`;
    const together = `ensemble of ${generations} generations`;
    const pairs: Pair[] = [{ title: "", student: last, against: "own baseline" }];
    if (generations > 1) pairs.push(better(last, "generation 1"));
    if (ensemble && generations > 1) pairs.push(better(together, last));
    return {
      hops,
      pairs,
      ...(ensemble && generations > 1
        ? { ensemble: { title: together, hops: Array.from({ length: generations }, (_, i) => `generation ${i + 1}`) } }
        : {}),
      deliver: (done) => ({ hop: done[done.length - 1] as (typeof done)[number], reason: "the last generation" }),
    };
  },
};

/** With one seed for all, every generation would start from the same weights and see the same batches. */
function freshSeed({ seed, seeds }: Plan, generation: number): number {
  return seed + generation * seeds;
}

function better(student: string, hop: string): Pair {
  return {
    title: `${student} vs. ${hop}`,
    student,
    against: { hop, role: "student" },
    what: `${student.charAt(0).toUpperCase()}${student.slice(1)} vs. ${hop}`,
  };
}
