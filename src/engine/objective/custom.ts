/** Losses that are in no registry: a definition that stands in the configuration itself. */
import { z } from "zod";
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import type { Value } from "../graph/builder.js";
import type { LossConfig, LossEntry, LossNeeds } from "./entry.js";
import type { LayerPair } from "./features.js";
import { derived } from "./inputs.js";
import type { LossInputs } from "./types.js";

/** A loss that is in no registry, with its definition beside it. */
export interface CustomLossConfig extends LossConfig {
  readonly kind: "custom";
  readonly definition: CustomLoss;
}

/** A loss of one's own: what a registered loss is, without options. */
export interface CustomLoss {
  /** Names the term in logs and reports. */
  readonly name: string;
  /** Ties checkpoints to this form of the loss, besides its source text: change it when what `build` refers to changes. */
  readonly version?: string;
  readonly needs: LossNeeds;
  /** Says that it is a mean over the samples and multiplies what each sample has by `inputs.sampleWeights` where it is there. */
  readonly perSample?: true;
  /** Says that it is sum(w * loss) / sum(w) over the rows, w `inputs.rowWeights`, where they are there. Absent: it refuses them. */
  readonly rows?: "weighted";
  /** Layers whose values `build` asks for with `inputs.features`; default none. */
  readonly layers?: readonly LayerPair[];
  /** The loss as a scalar []; its gradient follows from the graph. */
  build(inputs: LossInputs): Value;
}

/** Whether a configuration brings its loss along. */
export const isCustom = (config: LossConfig): config is CustomLossConfig => config.kind === "custom";

/** The entry that a registry would have of a loss of one's own. @throws InputError naming the field where it is incomplete */
export function customEntry({ definition }: CustomLossConfig, field: string): LossEntry {
  const { name, needs } = definition ?? {};
  if (typeof name !== "string" || typeof definition.build !== "function" || !needs)
    throw new InputError({
      code: "option-missing",
      where: field,
      found: "the custom loss is incomplete",
      expected: "{ name, needs: { teacher, labels }, build(inputs) }",
    });
  return {
    kind: name,
    against: needs.teacher ? "answers" : "labels",
    schema: z.strictObject({ kind: z.literal("custom") }) as unknown as LossEntry["schema"],
    needs,
    divergence: true,
    ...(definition.perSample ? { perSample: true } : {}),
    ...(definition.rows ? { rows: definition.rows } : {}),
    layers: () => definition.layers ?? [],
    build: (inputs) =>
      definition.build(derived(inputs, { features: (asked) => listed(definition, asked, inputs, field) })),
  };
}

/** The layers asked for, which the loss must have listed: the teacher is asked for those alone, before the graph is built. */
function listed({ name, layers = [] }: CustomLoss, asked: readonly LayerPair[], inputs: LossInputs, field: string) {
  const odd = asked.find((a) => !layers.some((l) => l.student === a.student && l.teacher === a.teacher));
  if (!odd) return inputs.features(asked);
  throw new InputError({
    code: "layer-missing",
    where: field,
    found: `the loss "${name}" reads ${quote(odd.student)} and ${quote(odd.teacher)}, which its layers do not list`,
    expected: "layers: [{ student, teacher }] beside build",
    cure: "Add the pair to the loss's layers",
  });
}
