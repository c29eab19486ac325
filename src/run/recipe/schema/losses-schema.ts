/** The losses a recipe may name, each with the options that its entry in the registry has. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { factor, weight } from "../../../base/schema-fields.js";
import { type BuiltInLoss, lossesAgainst } from "../../../engine/objective/registry.js";

/** The schemas of the losses against these things. What was added beside limbeck's own has no static type. */
function schemasAgainst<const Against extends "labels" | "answers" | "layers">(...against: Against[]) {
  const schemas = lossesAgainst(...against).map((loss) => loss.schema);
  return schemas as unknown as [BuiltInLoss<Against>["schema"], ...BuiltInLoss<Against>["schema"][]];
}

/** A loss against the labels: the first where no kind is named. */
export const studentLossSchema = assembled(() => {
  const [first, ...others] = schemasAgainst("labels");
  const usual = first.extend({ kind: first.shape.kind.default(first.shape.kind.value) });
  const schema = others.length > 0 ? (z.union([usual, ...others]) as unknown as typeof usual) : usual;
  return schema.prefault({}).describe("Loss against the labels");
});

export const distillationLossSchema = assembled(() =>
  z
    .discriminatedUnion("kind", schemasAgainst("answers"))
    .prefault({ kind: "kd" })
    .describe("Loss against the teacher's answers"),
);

const termSettings = {
  weight: weight.default(1),
  schedule: factor.optional().describe("A factor on the weight that changes over the training"),
  name: z
    .string()
    .regex(/^[\w.-]+$/, "expected letters, digits, . _ - only")
    .optional()
    .describe("Name in logs and reports; default: the kind"),
};

/** More terms of an objective. */
export const termsSchema = assembled(() => {
  const [first, ...others] = schemasAgainst("answers", "layers").map((loss) => loss.extend(termSettings));
  return z
    .array(z.discriminatedUnion("kind", [first as NonNullable<typeof first>, ...others]))
    .optional()
    .describe(
      "More terms, added to student and distillation loss. Each kind has the same options as under distillation_loss",
    );
});
