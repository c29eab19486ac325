/** What a student sees besides the samples themselves: random views, and labels that a teacher made up. */
import { z } from "zod";
import { count, fraction } from "./fields.js";

export const viewsSchema = z
  .strictObject({
    answers: z
      .enum(["replayed", "online", "clean"])
      .default("replayed")
      .describe(
        "What the teacher says of a view that training.augment makes: replayed labels some views of each sample once and trains on those, Shen 2022 (FKD); online asks the teacher at every step, Beyer 2022; clean keeps its answer for the unchanged sample, Xie 2020 (noisy student)",
      ),
    count: count
      .optional()
      .describe("replayed: how many views of each sample are kept; default one an epoch, at most 8"),
  })
  .optional()
  .describe("Which answers belong to the views of training.augment; without it replayed");

export const pseudoLabelsSchema = z
  .strictObject({
    kind: z.enum(["soft", "hard"]).default("soft").describe("The teacher's probabilities, or its best class alone"),
    min_confidence: fraction
      .default(0.3)
      .describe("Unlabelled samples whose best class the teacher gives less are left out"),
    balance: z
      .boolean()
      .default(true)
      .describe(
        "As many samples of each class as the teacher names: the surest of frequent classes, those of rare ones several times",
      ),
  })
  .optional()
  .describe(
    "The student sees samples without a usable label under the teacher's, and labelled ones under their own, Xie 2020; needs samples: all and objective.alpha 1",
  );
