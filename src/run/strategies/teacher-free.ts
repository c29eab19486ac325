/**
 * What needs no teacher, and what a distillation has to beat before it is worth one: smoothed labels, a virtual teacher
 * (Tf-KD_reg), and the student's own twin as teacher (Tf-KD_self). Yuan et al., CVPR 2020, arXiv:1909.11723.
 */
import { trainedTeacherOf } from "../teaching/registry.js";
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { virtualTeacherSchema } from "../../engine/objective/losses/virtual-teacher.js";
import { maxOf } from "../../base/extremes.js";
import type { Plan } from "../recipe/schema/schema.js";
import { type FinishedHop, folderName, type Hop, type Pair, single, taughtBy } from "./hop-plan.js";
import { rulesOf } from "./strategy-rule.js";
import type { HopStrategy, StrategyOf } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z.literal("teacher-free").describe("Methods without a teacher, which a distillation has to beat (Yuan 2020)"),
    methods: z
      .array(z.enum(["label-smoothing", "virtual-teacher", "self"]))
      .min(1)
      .default(["label-smoothing", "virtual-teacher", "self"])
      .describe(
        "label-smoothing; virtual-teacher: softened answers of a teacher built from the label; self: a copy of the student, trained on labels alone, as teacher",
      ),
    labelSmoothing: z.number().gt(0).lt(1).default(0.1).describe("Smoothing of the label-smoothing method"),
    virtual: virtualTeacherSchema.prefault({}).describe("Settings of the virtual-teacher method"),
    distilled: z.boolean().default(true).describe("Also distil from the recipe's teacher, for comparison"),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    "teacher-free": typeof schema;
  }
}

const rule = rulesOf("teacher-free");

export const teacherFree: HopStrategy<"teacher-free"> = {
  kind: "teacher-free",
  schema,
  asksTeacher: ({ distilled }) => distilled,
  rules: [
    rule({
      name: "teacher-free: no baseline",
      reads: "recipe",
      code: "option-conflict",
      when: (_, { plan }) => !plan.baseline,
      field: "baseline",
      says: () => ({
        found: "teacher-free compares everything with the baseline, and it is off",
        cure: "Set baseline: true",
      }),
    }),
  ],
  planHops(plan, strategy, directory) {
    const hops: Hop[] = [];
    const add = (hop: Omit<Hop, "folder">): void => {
      hops.push({ ...hop, folder: folderName(hops.length + 1, hop.title) });
    };
    const train = (title: string, changes: Partial<Plan>): void =>
      add({ title, command: "train-student", plan: single(plan, changes), teacher: null });
    if (strategy.distilled)
      add({ title: "distilled", command: "distill", plan: single(plan, {}), teacher: "teacher", ownTeacher: true });
    else train("labels alone", {});
    if (strategy.methods.includes("label-smoothing"))
      train("label smoothing", withLoss(plan, { labelSmoothing: strategy.labelSmoothing }));
    if (strategy.methods.includes("virtual-teacher"))
      train("virtual teacher", withLoss(plan, { labelSmoothing: 0, virtualTeacher: strategy.virtual }));
    if (strategy.methods.includes("self")) {
      // Seeds of its own: a student that starts where its teacher started would be half a copy of it.
      train("twin", { seed: plan.seed + plan.seeds });
      const twin = hops[hops.length - 1] as Hop;
      const base = taughtBy(plan, directory, twin, plan.seeds);
      add({
        title: "self-taught",
        command: "distill",
        plan: single(base, { baseline: false }),
        teacher: twin.title,
      });
    }
    return { hops, pairs: pairsOf(strategy, hops), deliver };
  },
};

/** Labels alone, with another loss. */
function withLoss(plan: Plan, loss: Partial<Plan["objective"]["studentLoss"]>): Partial<Plan> {
  const studentLoss = { ...plan.objective.studentLoss, ...loss };
  return { objective: { ...plan.objective, alpha: 0, weights: undefined, studentLoss } };
}

function pairsOf({ distilled }: StrategyOf<"teacher-free">, hops: readonly Hop[]): Pair[] {
  const reference = distilled
    ? ({ hop: "distilled", role: "baseline" } as const)
    : ({ hop: "labels alone", role: "student" } as const);
  const methods = hops.map((h) => h.title).filter((t) => !["distilled", "labels alone", "twin"].includes(t));
  return [
    ...(distilled ? [{ title: "", student: "distilled", against: "own baseline" } as const] : []),
    ...methods.map(
      (student): Pair => ({
        title: student,
        student,
        against: reference,
        what: `${capital(student)} vs. labels alone`,
      }),
    ),
    ...(distilled ? methods : []).map(
      (hop): Pair => ({
        title: `distilled vs. ${hop}`,
        student: "distilled",
        against: { hop, role: "student" },
        what: `Distilled from the teacher vs. ${hop}`,
      }),
    ),
  ];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The best on the validation samples; of equals the first. */
function deliver(done: readonly FinishedHop[]): { hop: FinishedHop; reason: string } {
  const offered = done.filter((d) => d.hop.title !== "twin");
  const best = offered.reduce((a, b) => (validationScore(b) > validationScore(a) ? b : a));
  return { hop: best, reason: "the best validation score" };
}

/**
 * Mean over the seeds of the validation accuracy (agreement without labels) of a hop's student as it leaves: of the weights that
 * were kept, after a correction of its biases.
 */
export function validationScore({ hop, summary }: FinishedHop): number {
  const role = hop.command === "distill" ? "student" : hop.command === "train-student" ? "baseline" : "teacher";
  const row = summary.models.find((m) => m.role === role);
  const { teacher, training } = hop.plan;
  const { select } = (role === "teacher" && trainedTeacherOf(teacher)?.training) || training;
  const kept = (scores: readonly number[]): number => (select === "last" ? scores.at(-1) : maxOf(scores)) ?? 0;
  const scores =
    row?.omitted?.correction?.seeds.map((s) => s.validationAfter) ??
    (row?.curves ?? []).map((c) => kept(c.points.map((p) => p.accuracy ?? p.cosine ?? p.agreement ?? 0)));
  return scores.length === 0 ? 0 : scores.reduce((a, v) => a + v, 0) / scores.length;
}
