/** The teacher's classifier reused: the student only learns what that classifier reads. */
import { InputError } from "../../../base/errors.js";
import { checkLayers, type Layers, meanSquare, unbridgeable } from "../connectors.js";
import { ABOVE_ZERO, checkNumber } from "../options.js";
import type { FeatureValues, LossDefinition } from "../types.js";

export interface SimkdConfig extends Layers {
  readonly kind: "simkd";
  /** The transfer's inner width is the teacher's divided by it; default 2. */
  readonly factor?: number;
}

/** Default `factor`, the authors'. */
export const SIMKD_FACTOR = 2;
/** The transferred feature in a student that ends in its teacher's classifier (compile/transfer.ts). */
export const TRANSFERRED = "simkd/transferred";

/**
 * Mean over batch and elements of (g(f_s) - f_t)^2; g, the transfer, is a part of the student, and so is all that the
 * teacher does with f_t, frozen. That student is made before the training, by `withClassifier`.
 * Chen et al., Knowledge Distillation with the Reused Teacher Classifier, CVPR 2022, equation 3.
 */
export const simkd: LossDefinition<SimkdConfig> = {
  name: "simkd",
  needs: { teacher: true, labels: false },
  check(config, field) {
    checkLayers(config, field);
    const { layers, factor = SIMKD_FACTOR } = config;
    if (layers.length !== 1)
      throw new InputError({
        code: "option-invalid",
        where: `${field}.layers`,
        found: `found ${layers.length} pairs`,
        expected: "one pair: the last layer of the student to keep, and the teacher's that its classifier reads",
      });
    checkNumber(field, "factor", factor, ABOVE_ZERO);
  },
  layers: (config) => config.layers,
  build(inputs, { layers }) {
    const [pair] = inputs.features(layers.map(({ teacher }) => ({ student: TRANSFERRED, teacher })));
    const { student, teacher } = pair as FeatureValues;
    if (student.shape.join() !== teacher.shape.join())
      throw unbridgeable(pair as FeatureValues, "the shape that the teacher's classifier reads");
    return meanSquare(inputs.builder, student, teacher);
  },
};
