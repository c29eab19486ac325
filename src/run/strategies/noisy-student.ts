/**
 * Noisy student: a teacher that sees clean samples labels what has no label; a student as large or larger learns all of it
 * under noise (augmentation, dropout, stochastic depth) and teaches the next round. Xie, Luong, Hovy & Le, CVPR 2020,
 * arXiv:1911.04252.
 */
import { augments } from "../../learn/data/augment/config.js";
import { InputError } from "../../base/errors.js";
import type { ModelRow } from "../../learn/evaluate/summary.js";
import { noun } from "../../base/noun.js";
import type { ModelRecipe, Recipe } from "../recipe/schema/schema.js";
import {
  type FinishedHop,
  folderName,
  type Hop,
  type Pair,
  type Strategy,
  type StrategyOf,
  single,
  taughtBy,
} from "./plan.js";
import { validationScore } from "./teacher-free.js";

type Noisy = StrategyOf<"noisy-student">;

/** Input noise where the recipe names none: Cubuk et al. 2020 at half the scale for images, Zhang et al. 2018 for all else. */
const NOISE = { images: { randaugment: { ops: 2, magnitude: 5 } }, others: { mixup: { alpha: 1 } } };

export const noisyStudent: Strategy<"noisy-student"> = {
  kind: "noisy-student",
  plan(given, strategy, directory, data) {
    const recipe = withNoise(given, data?.sampleShape.length ?? 3);
    const { rounds, models, ablation } = strategy;
    if (models && models.length !== rounds)
      throw new InputError({
        code: "array-mismatch",
        where: "strategy.models",
        found: `found ${noun(models.length, "model")} for ${noun(rounds, "round")}`,
        expected: "one student per round",
        cure: `Set strategy.rounds to ${models.length}, or give ${noun(rounds, "model")}`,
      });
    if (recipe.objective.terms?.length)
      throw new InputError({
        code: "option-conflict",
        where: "objective.terms",
        found: "a noisy student learns from pseudo-labels alone",
        cure: "Remove the further terms (--set objective.terms=[])",
      });
    const hops: Hop[] = [];
    const add = (title: string, from: Hop | null, changes: (base: Recipe) => Partial<Recipe>): void => {
      const base = from ? taughtBy(recipe, directory, from, recipe.seeds) : recipe;
      hops.push({
        title,
        folder: folderName(hops.length + 1, title),
        command: "distill",
        // Seeds of its own: a student that starts where its teacher started would be half a copy of it.
        recipe: single(base, { ...changes(base), seed: recipe.seed + (from ? hops.length * recipe.seeds : 0) }),
        teacher: from?.title ?? "teacher",
        ownTeacher: from === null,
      });
    };
    for (let k = 1; k <= rounds; k++)
      add(`round ${k}`, hops[k - 2] ?? null, (base) => ({
        ...noisy(base, strategy),
        student: models?.[k - 1] ?? recipe.student,
        baseline: recipe.baseline && k === rounds,
      }));
    const last = `round ${rounds}`;
    const pairs: Pair[] = [{ title: "", student: last, against: "own baseline" }];
    if (rounds > 1) pairs.push(instead(last, "round 1", `Round ${rounds} vs. round 1`));
    if (ablation)
      for (const [title, changes] of ablations(recipe, strategy)) {
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
function withNoise(recipe: Recipe, dimensions: number): Recipe {
  const { training } = recipe;
  if (augments(training.augment)) return recipe;
  const augment = (dimensions === 3 ? NOISE.images : NOISE.others) as Recipe["training"]["augment"];
  return { ...recipe, training: { ...training, augment } };
}

/** What makes a run a noisy student's. */
function noisy(recipe: Recipe, { labels, min_confidence, balance }: Noisy): Partial<Recipe> {
  const { objective, transfer, training } = recipe;
  return {
    training,
    objective: {
      ...objective,
      alpha: 1,
      weights: undefined,
      alpha_schedule: undefined,
      // Against soft pseudo-labels at T = 1 this is cross-entropy, but for the teacher's own entropy.
      distillation_loss: { kind: "kd", temperature: 1 },
    } as Recipe["objective"],
    transfer: {
      ...transfer,
      samples: "all",
      views: { answers: "clean" },
      pseudo_labels: { kind: labels, min_confidence, balance },
    },
  };
}

/** Round 1 with something taken away, by what the paper's tables take away. */
function ablations(recipe: Recipe, strategy: Noisy): [string, Partial<Recipe>][] {
  const own = noisy(recipe, strategy);
  const student = strategy.models?.[0] ?? recipe.student;
  const base = { ...own, student };
  const still = { ...(own.training as Recipe["training"]), augment: undefined };
  const calm = withoutModelNoise(student);
  const transfer = own.transfer as Recipe["transfer"];
  const unseen = { ...transfer, views: undefined };
  const pseudo = transfer.pseudo_labels as NonNullable<typeof transfer.pseudo_labels>;
  const other = strategy.labels === "soft" ? "hard" : "soft";
  const list: [string, Partial<Recipe>][] = [
    ["without input noise", { ...base, training: still, transfer: unseen }],
    ...(calm
      ? ([
          ["without model noise", { ...base, student: calm }],
          ["without any noise", { ...base, student: calm, training: still, transfer: unseen }],
        ] as [string, Partial<Recipe>][])
      : []),
    ...(canAnswerViews(recipe)
      ? // The teacher answers for what the student sees: no pseudo-label is made of a sample, but one of each view.
        ([
          [
            "with a noised teacher",
            { ...base, transfer: { ...transfer, pseudo_labels: undefined, views: { answers: "replayed" } } },
          ],
        ] as [string, Partial<Recipe>][])
      : []),
    [`with ${other} labels`, { ...base, transfer: { ...transfer, pseudo_labels: { ...pseudo, kind: other } } }],
  ];
  if (strategy.min_confidence > 0)
    list.push([
      "without the filter",
      { ...base, transfer: { ...transfer, pseudo_labels: { ...pseudo, min_confidence: 0 } } },
    ]);
  if (strategy.balance)
    list.push([
      "without balancing",
      { ...base, transfer: { ...transfer, pseudo_labels: { ...pseudo, balance: false } } },
    ]);
  return list;
}

/** Only one teacher can be asked about new views, and no label store can. */
const canAnswerViews = ({ teacher }: Recipe): boolean => !("group" in teacher) && !("label_store" in teacher);

/** The model without dropout and stochastic depth; null when it has neither. */
function withoutModelNoise(model: ModelRecipe): ModelRecipe | null {
  const noise = Object.entries(model).filter(
    ([name, v]) => (name === "dropout" || name === "drop_path") && Number(v) > 0,
  );
  const calm = { ...model, ...Object.fromEntries(noise.map(([name]) => [name, 0])) };
  if (calm.kind === "cnn") {
    const layers = calm.layers.filter((layer) => !("dropout" in layer));
    return layers.length < calm.layers.length ? { ...calm, layers } : null;
  }
  return noise.length > 0 ? calm : null;
}

const instead = (student: string, hop: string, what: string): Pair => ({
  title: `${student} vs. ${hop}`,
  student,
  against: { hop, role: "student" },
  what,
});
