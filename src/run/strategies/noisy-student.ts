/**
 * Noisy student: a teacher that sees clean samples labels what has no label; a student as large or larger learns all of it
 * under noise (augmentation, dropout, stochastic depth) and teaches the next round. Xie, Luong, Hovy & Le, CVPR 2020,
 * arXiv:1911.04252.
 */
import { modelWithoutNoise } from "../../engine/models/registry.js";
import { isSeveral, teacherEntryOf } from "../teaching/registry.js";
import { z } from "zod";
import { assembled } from "../../base/registry.js";
import { count, fraction } from "../../base/schema-fields.js";
import { modelSchema } from "../recipe/schema/model-schema.js";
import { augments } from "../../learn/data/augment/config.js";
import type { ModelRow } from "../../learn/evaluate/summary.js";
import { noun } from "../../base/noun.js";
import type { Plan } from "../recipe/schema/schema.js";
import { type FinishedHop, folderName, type Hop, type Pair, single, taughtBy } from "./hop-plan.js";
import { rulesOf } from "./strategy-rule.js";
import { validationScore } from "./teacher-free.js";
import type { HopStrategy, StrategyOf } from "./strategy-entry.js";

const schema = assembled(() =>
  z.strictObject({
    kind: z
      .literal("noisy-student")
      .describe(
        "The teacher labels unlabelled samples; an equal or larger student learns them under noise and teaches the next round (Xie 2020). Input noise is training.augment (default: RandAugment for images, mixup for other data). Model noise is the student's dropout and drop_path",
      ),
    rounds: count.default(3).describe("Number of students; each teaches the next"),
    models: z.array(modelSchema()).min(1).optional().describe("One student per round; default: the recipe's student"),
    labels: z
      .enum(["soft", "hard"])
      .default("soft")
      .describe("Pseudo-labels: the teacher's probabilities (soft) or its most likely class (hard)"),
    minConfidence: fraction
      .default(0.3)
      .describe("Samples whose most likely class has a lower probability are dropped"),
    balance: z.boolean().default(true).describe("Use the same number of pseudo-labelled samples for each class"),
    ablation: z
      .boolean()
      .default(false)
      .describe("Also train round 1 without each part: noise, filter, balance, soft labels, clean teacher"),
  }),
);

declare module "../recipe/registries.js" {
  interface StrategySchemas {
    "noisy-student": typeof schema;
  }
}

type Noisy = StrategyOf<"noisy-student">;

/** Input noise where the recipe names none: Cubuk et al. 2020 at half the scale for images, Zhang et al. 2018 for all else. */
const NOISE = { images: { randaugment: { ops: 2, magnitude: 5 } }, others: { mixup: { alpha: 1 } } };

const rule = rulesOf("noisy-student");

export const noisyStudent: HopStrategy<"noisy-student"> = {
  kind: "noisy-student",
  schema,
  asksTeacher: () => true,
  changesFirstHop: true,
  rules: [
    rule({
      name: "noisy-student: a model for each round",
      reads: "recipe",
      code: "array-mismatch",
      when: ({ models, rounds }) => models && models.length !== rounds && { models: models.length, rounds },
      field: "strategy.models",
      says: ({ models, rounds }) => ({
        found: `found ${noun(models, "model")} for ${noun(rounds, "round")}`,
        expected: "one student per round",
        cure: `Set strategy.rounds to ${models}, or give ${noun(rounds, "model")}`,
      }),
    }),
    rule({
      name: "noisy-student: further terms",
      reads: "recipe",
      code: "option-conflict",
      when: (_, { plan }) => (plan.objective.terms ?? []).length > 0,
      field: "objective.terms",
      says: () => ({
        found: "a noisy student learns from pseudo-labels alone",
        cure: "Remove the further terms (--set objective.terms=[])",
      }),
    }),
  ],
  planHops(given, strategy, directory, data) {
    const plan = withNoise(given, data?.sampleShape.length ?? 3);
    const { rounds, models, ablation } = strategy;
    const hops: Hop[] = [];
    const add = (title: string, from: Hop | null, changes: (base: Plan) => Partial<Plan>): void => {
      const base = from ? taughtBy(plan, directory, from, plan.seeds) : plan;
      hops.push({
        title,
        folder: folderName(hops.length + 1, title),
        command: "distill",
        // Seeds of its own: a student that starts where its teacher started would be half a copy of it.
        plan: single(base, { ...changes(base), seed: plan.seed + (from ? hops.length * plan.seeds : 0) }),
        teacher: from?.title ?? "teacher",
        ownTeacher: from === null,
      });
    };
    for (let k = 1; k <= rounds; k++)
      add(`round ${k}`, hops[k - 2] ?? null, (base) => ({
        ...noisy(base, strategy),
        student: models?.[k - 1] ?? plan.student,
        baseline: plan.baseline && k === rounds,
      }));
    const last = `round ${rounds}`;
    const pairs: Pair[] = [{ title: "", student: last, against: "own baseline" }];
    if (rounds > 1) pairs.push(instead(last, "round 1", `Round ${rounds} vs. round 1`));
    if (ablation)
      for (const [title, changes] of ablations(plan, strategy)) {
        add(title, null, () => ({ ...changes, baseline: false }));
        pairs.push({
          ...instead("round 1", title, `Round 1 vs. the same ${title}`),
          title: `round 1 vs. the same ${title}`,
        });
      }
    return {
      hops,
      pairs,
      remarks: (done) => done.slice(0, rounds).flatMap(smallerThanTeacher),
      deliver(done) {
        const own = done.slice(0, rounds);
        const hop = own.reduce((a, b) => (validationScore(b) > validationScore(a) ? b : a));
        return { hop, reason: "the round with the best validation score" };
      },
    };
  },
};

/** The method wants room to learn more than the teacher knows. */
function smallerThanTeacher({ hop, summary: { models } }: FinishedHop): string[] {
  const size = (role: ModelRow["role"]): number | null => models.find((m) => m.role === role)?.parameters ?? null;
  const [student, teacher] = [size("student"), size("teacher")];
  if (student === null || teacher === null || student >= teacher) return [];
  const [own, above] = [student, teacher].map((n) => n.toLocaleString("en-US")) as [string, string];
  return [
    `${hop.title}: the student (${own} parameters) is smaller than its teacher (${above}). A noisy student should be at least as large (Xie 2020).`,
  ];
}

/** The recipe with input noise. @param dimensions of a sample */
function withNoise(plan: Plan, dimensions: number): Plan {
  const { training } = plan;
  if (augments(training.augment)) return plan;
  const augment = (dimensions === 3 ? NOISE.images : NOISE.others) as Plan["training"]["augment"];
  return { ...plan, training: { ...training, augment } };
}

/** What makes a run a noisy student's. */
function noisy(plan: Plan, { labels, minConfidence, balance }: Noisy): Partial<Plan> {
  const { objective, transfer, training } = plan;
  return {
    training,
    objective: {
      ...objective,
      alpha: 1,
      weights: undefined,
      alphaSchedule: undefined,
      // Against soft pseudo-labels at T = 1 this is cross-entropy, but for the teacher's own entropy.
      distillationLoss: { kind: "kd", temperature: 1 },
    } as Plan["objective"],
    transfer: {
      ...transfer,
      samples: "all",
      views: { answers: "clean" },
      pseudoLabels: { kind: labels, minConfidence, balance },
    },
  };
}

/** Round 1 with something taken away, by what the paper's tables take away. */
function ablations(plan: Plan, strategy: Noisy): [string, Partial<Plan>][] {
  const own = noisy(plan, strategy);
  const student = strategy.models?.[0] ?? plan.student;
  const base = { ...own, student };
  const still = { ...(own.training as Plan["training"]), augment: undefined };
  const calm = modelWithoutNoise(student);
  const transfer = own.transfer as Plan["transfer"];
  const unseen = { ...transfer, views: undefined };
  const pseudo = transfer.pseudoLabels as NonNullable<typeof transfer.pseudoLabels>;
  const other = strategy.labels === "soft" ? "hard" : "soft";
  const list: [string, Partial<Plan>][] = [
    ["without input noise", { ...base, training: still, transfer: unseen }],
    ...(calm
      ? ([
          ["without model noise", { ...base, student: calm }],
          ["without any noise", { ...base, student: calm, training: still, transfer: unseen }],
        ] as [string, Partial<Plan>][])
      : []),
    ...(canAnswerViews(plan)
      ? // The teacher answers for what the student sees: no pseudo-label is made of a sample, but one of each view.
        ([
          [
            "with a noised teacher",
            { ...base, transfer: { ...transfer, pseudoLabels: undefined, views: { answers: "replayed" } } },
          ],
        ] as [string, Partial<Plan>][])
      : []),
    [`with ${other} labels`, { ...base, transfer: { ...transfer, pseudoLabels: { ...pseudo, kind: other } } }],
  ];
  if (strategy.minConfidence > 0)
    list.push([
      "without the filter",
      { ...base, transfer: { ...transfer, pseudoLabels: { ...pseudo, minConfidence: 0 } } },
    ]);
  if (strategy.balance)
    list.push([
      "without balancing",
      { ...base, transfer: { ...transfer, pseudoLabels: { ...pseudo, balance: false } } },
    ]);
  return list;
}

/** Only one teacher can be asked about new views, and no label store can. */
const canAnswerViews = ({ teacher }: Plan): boolean =>
  !isSeveral(teacher) && !teacherEntryOf(teacher).cannotAnswerViews?.(teacher);

const instead = (student: string, hop: string, what: string): Pair => ({
  title: `${student} vs. ${hop}`,
  student,
  against: { hop, role: "student" },
  what,
});
