/** The teacher's classifier reused: the student only learns what that classifier reads. */
import { positive } from "../../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { layers, meanSquare, unbridgeable } from "../connectors.js";
import type { LayerPair } from "../features.js";
import type { ConfigOf, LossEntry } from "../entry.js";
import type { FeatureValues } from "../types.js";

const schema = z.strictObject({
  kind: z.literal("simkd").describe("The student reuses its teacher's classifier (Chen 2022). One pair of layers"),
  layers,
  factor: positive.default(2).describe("The inner width of the transfer is the teacher's width divided by factor"),
});
export type SimkdConfig = ConfigOf<typeof schema>;

/** The transferred feature in a student that ends in its teacher's classifier (compile/transfer.ts). */
export const TRANSFERRED = "simkd/transferred";

/**
 * Mean over batch and elements of (g(f_s) - f_t)^2; g, the transfer, is a part of the student, and so is all that the
 * teacher does with f_t, frozen. That student is made before the training, by `withClassifier`.
 * Chen et al., Knowledge Distillation with the Reused Teacher Classifier, CVPR 2022, equation 3.
 */
export const simkd: LossEntry<typeof schema, "layers"> = {
  kind: "simkd",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  check({ layers }, field) {
    if (layers.length !== 1)
      throw new InputError({
        code: "option-invalid",
        where: `${field}.layers`,
        found: `found ${layers.length} pairs`,
        expected: "one pair: the last layer of the student to keep, and the teacher's that its classifier reads",
      });
  },
  layers: (config) => config.layers,
  reuse: ({ layers: [layer], factor }) => ({ layer: layer as LayerPair, factor }),
  build(inputs, { layers }) {
    const [pair] = inputs.features(layers.map(({ teacher }) => ({ student: TRANSFERRED, teacher })));
    const { student, teacher } = pair as FeatureValues;
    if (student.shape.join() !== teacher.shape.join())
      throw unbridgeable(pair as FeatureValues, "the shape that the teacher's classifier reads");
    return meanSquare(inputs.builder, student, teacher);
  },
};
