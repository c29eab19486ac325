/** A teacher that limbeck trains on labels first. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import { rate } from "../../../base/schema-fields.js";
import { modelSchema, trainingSchema } from "../../recipe/schema/schema.js";
import type { RecipeTeacher } from "../../recipe/registries.js";
import { partOfClasses, storePrecision } from "./fields.js";

const schema = assembled(() =>
  z.strictObject({
    model: modelSchema(),
    training: trainingSchema,
    labelSmoothing: rate.default(0).describe("Label smoothing when training the teacher"),
    trainOn: z
      .enum(["all", "labelled", "disjoint-half"])
      .default("all")
      .describe(
        "Labelled training samples that the teacher sees: all of them, only those the student may use, or one half while the student gets the other half",
      ),
    classes: partOfClasses,
    seeds: z.enum(["one", "each"]).default("one").describe('"each" trains one teacher per seed'),
    precision: storePrecision,
  }),
);

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    trained: typeof schema;
  }
}

export type TrainedTeacherPlan = z.output<ReturnType<typeof schema>>;

export const trainedTeacher: RecipeTeacher<TrainedTeacherPlan> = { kind: "trained", mark: "model", schema };
