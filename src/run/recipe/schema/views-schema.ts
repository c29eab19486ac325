/** What a student sees in addition to the samples: random views, and labels from a teacher. */
import { z } from "zod";
import { count, fraction } from "../../../base/schema-fields.js";

export const viewsSchema = z
  .strictObject({
    answers: z
      .enum(["replayed", "online", "clean"])
      .default("replayed")
      .describe(
        "The teacher's answer for a view of training.augment. replayed: some views of each sample are labelled once and reused (Shen 2022, FKD); online: the teacher answers at every step (Beyer 2022); clean: its answer for the unchanged sample, Xie 2020 (noisy student)",
      ),
    count: count.optional().describe("For replayed: views stored per sample; default: one per epoch, at most 8"),
  })
  .optional()
  .describe("The teacher's answers for the views of training.augment; default: replayed");

export const pseudoLabelsSchema = z
  .strictObject({
    kind: z
      .enum(["soft", "hard"])
      .default("soft")
      .describe("soft: the teacher's probabilities; hard: only its most likely class"),
    minConfidence: fraction
      .default(0.3)
      .describe("Unlabelled samples whose most likely class has a lower probability are dropped"),
    balance: z
      .boolean()
      .default(true)
      .describe(
        "Use the same number of samples for each predicted class: the most confident samples of frequent classes; samples of rare classes are repeated",
      ),
  })
  .optional()
  .describe(
    "The student learns samples without a usable label with the teacher's label, and labelled samples with their own (Xie 2020). Needs samples: all and objective.alpha 1",
  );
