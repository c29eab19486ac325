/** Several teachers as one. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import { positive } from "../../../base/schema-fields.js";
import type { RecipeTeacher } from "../../recipe/registries.js";
import { singleTeacherSchema } from "../../recipe/schema/teacher-schema.js";

const schema = assembled(() =>
  z.strictObject({
    group: z
      .array(singleTeacherSchema())
      .min(2)
      .describe(
        "Two or more teachers: models to train, files, label stores or endpoints. Trained teachers differ in their seeds",
      ),
    combine: z
      .enum(["mean-probabilities", "mean-logits", "mean-losses", "draw", "merge"])
      .default("mean-probabilities")
      .describe(
        "How teachers are combined: means, one drawn per update, or merged for teachers that know part of the classes (docs/teachers.md)",
      ),
    weights: z
      .union([z.array(positive).min(2), z.literal("confidence")])
      .optional()
      .describe(
        'One number per teacher (with draw, its probability), or "confidence": per sample, from each teacher\'s cross-entropy with the label (Zhang 2022, CA-MKD). Default: equal weights',
      ),
  }),
);

declare module "../../recipe/registries.js" {
  interface TeacherSchemas {
    group: typeof schema;
  }
}

export type GroupTeacherPlan = z.output<ReturnType<typeof schema>>;

export const groupTeacher: RecipeTeacher<GroupTeacherPlan> = {
  kind: "group",
  mark: "group",
  schema,
  members: ({ group }) => group,
};
