/**
 * Function matching: the teacher answers for the very view that the student sees, blends included, labels are not used, and
 * training is long. Beyer et al., CVPR 2022, arXiv:2106.05237 ("a good teacher is patient and consistent").
 */
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { count } from "../../base/schema-fields.js";
import { objectiveNeeds } from "../../engine/objective/objective.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { Plan } from "../recipe/schema/schema.js";
import { folderName, type Hop, type Pair, single } from "./hop-plan.js";
import { rulesOf } from "./strategy-rule.js";
import type { HopStrategy, StrategyOf } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z
      .literal("consistent")
      .describe(
        "The teacher answers for exactly the view that the student sees, including mixup; labels are not used (Beyer 2022). Views come from training.augment; mixup is added if it is missing",
      ),
    answers: z
      .enum(["replayed", "online"])
      .default("replayed")
      .describe("replayed: views are labelled once and reused; online: the teacher answers at every step"),
    count: count.optional().describe("For replayed: views per sample; default: one per epoch, at most 8"),
    compare: z
      .array(z.enum(["replayed", "online", "clean"]))
      .default(["clean"])
      .describe(
        "Also distil the same student with these answers, for comparison; clean: the answers for unchanged samples",
      ),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    consistent: typeof schema;
  }
}

type Answers = StrategyOf<"consistent">["answers"] | "clean";

/** What the student is called by what its teacher answers for. */
const TITLES: Record<Answers, string> = {
  replayed: "student, replayed views",
  online: "student, views online",
  clean: "student, clean answers",
};

/** The objective without its loss against the labels. */
const withoutLabels = (objective: Plan["objective"]): Plan["objective"] => ({
  ...objective,
  alpha: 1,
  weights: undefined,
  alphaSchedule: undefined,
});

const rule = rulesOf("consistent");

export const consistent: HopStrategy<"consistent"> = {
  kind: "consistent",
  schema,
  asksTeacher: () => true,
  changesFirstHop: true,
  rules: [
    rule({
      name: "consistent: losses that read labels",
      reads: "recipe",
      code: "option-conflict",
      when: (_, { plan }) => objectiveNeeds(objectiveOf(withoutLabels(plan.objective))).labels,
      field: "objective",
      says: () => ({
        found:
          "a consistent student learns from its teacher's answers alone, and a loss of this objective reads labels",
        cure: "Use another distillation_loss, or remove that term",
      }),
    }),
  ],
  planHops(plan, { answers, count, compare }) {
    const alone = withoutLabels(plan.objective);
    const given = plan.training.augment;
    // Mixup goes with every kind of data; a share from Beta(1, 1) is even in [0, 1], as the paper draws it.
    const augment = { ...given, mixup: given?.mixup ?? { alpha: 1 } };
    const hop = (kind: Answers, i: number): Hop => {
      const title = i === 0 ? "student" : TITLES[kind];
      const views = { answers: kind, ...(kind === "replayed" && count !== undefined ? { count } : {}) };
      const changes = {
        training: { ...plan.training, augment },
        objective: alone,
        transfer: { ...plan.transfer, samples: "all", views },
        baseline: plan.baseline && i === 0,
      } as Partial<Plan>;
      return {
        title,
        folder: folderName(i + 1, title),
        command: "distill",
        plan: single(plan, changes),
        teacher: "teacher",
        ownTeacher: true,
      };
    };
    const others = compare.filter((kind) => kind !== answers);
    return {
      hops: [hop(answers, 0), ...others.map((kind, i) => hop(kind, i + 1))],
      pairs: [
        { title: "", student: "student", against: "own baseline" },
        ...others.map(
          (kind): Pair => ({
            title: `${answers} vs. ${kind}`,
            student: "student",
            against: { hop: TITLES[kind], role: "student" },
            what: `With ${answers} vs. ${kind} answers`,
          }),
        ),
      ],
      deliver: (done) => ({ hop: done[0] as (typeof done)[number], reason: "the student of this strategy" }),
    };
  },
};
