/**
 * Born-again networks: generation k has the same architecture as the others, fresh weights, and generation k - 1 as its
 * teacher; the generations together are an ensemble. Furlanello et al., ICML 2018, arXiv:1805.04770.
 */
import type { Plan } from "../recipe/schema/schema.js";
import { folderName, type Hop, type Pair, type Strategy, single, taughtBy } from "./hop-plan.js";

export const bornAgain: Strategy<"born-again"> = {
  kind: "born-again",
  planHops(plan, { generations, ensemble }, directory) {
    const hops: Hop[] = [];
    const teacher = "model" in plan.teacher ? plan.teacher : null;
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
