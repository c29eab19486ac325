/** An arm's teacher as it stands behind pseudo-labels, and the samples that the student then sees. */
import type { LoadedData } from "../data/types.js";
import { InputError } from "../errors.js";
import { objectiveNeeds } from "../objective/objective.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { Recipe } from "../recipe/schema.js";
import { type PseudoLabels, pseudoLabels } from "../teacher/pseudo-labels.js";
import { LabelStore } from "../teacher/store.js";
import type { Arm } from "./arms.js";
import { fingerprint } from "./context.js";

/** @param where names the arm @throws InputError for pseudo-labels that cannot go with the rest of the recipe */
export function checkPseudoLabels(where: string, { transfer, objective, teacher }: Recipe, hasLabels: boolean): void {
  if (!transfer.pseudo_labels) return;
  const field = `${where}: transfer.pseudo_labels`;
  if (transfer.samples !== "all" && hasLabels)
    throw new InputError(
      field,
      'the student sees labelled samples only, so there is nothing to label; set transfer.samples to "all"',
    );
  const needs = objectiveNeeds(objectiveOf(objective));
  if (needs.labels || !needs.teacher)
    throw new InputError(
      field,
      "pseudo-labels stand in for the labels too and are learnt by the loss against the teacher; set objective.alpha to 1",
    );
  if ("group" in teacher && (teacher.combine === "mean-losses" || teacher.combine === "draw"))
    throw new InputError(
      field,
      `they are one distribution a sample, and ${teacher.combine} keeps each teacher's own; combine by mean-probabilities`,
    );
}

/** What a student learns from pseudo-labels. */
export interface Pseudo {
  readonly store: LabelStore;
  readonly samples: Uint32Array;
  readonly counts: PseudoLabels["counts"];
}

/** Makes the pseudo-labels of an arm; null where it asks for none. Samples outside the arm's keep the teacher's answers. */
export function pseudoLabelled(
  { recipe, transfer, labelled }: Pick<Arm, "recipe" | "transfer" | "labelled">,
  { data }: LoadedData,
  store: LabelStore,
): Pseudo | null {
  const options = recipe.transfer.pseudo_labels;
  if (!options) return null;
  const labels = new Int32Array(data.size).fill(-1);
  for (const i of labelled) labels[i] = data.labels?.[i] ?? -1;
  const answers = { kind: store.kind, values: store.outputs };
  const { kind, balance, min_confidence: minConfidence } = options;
  const { classes } = store.header;
  const made = pseudoLabels(answers, classes.length, transfer, labels, { kind, balance, minConfidence });
  const header = {
    ...store.header,
    kind: "probabilities",
    precision: "float32",
    preprocessing: fingerprint(store.header.preprocessing, store.header.precision, options, labelled),
    features: undefined,
  } as const;
  return { store: new LabelStore(store.folder, header, made.targets), samples: made.samples, counts: made.counts };
}
