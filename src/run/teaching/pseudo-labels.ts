/** An arm's teacher as it stands behind pseudo-labels, and the samples that the student then sees. */
import { labelsOnly } from "../../learn/data/labels/labels.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { objectiveNeeds } from "../../engine/objective/objective.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { Plan } from "../recipe/schema/schema.js";
import { choosePseudoLabels, fillTargets, type PseudoLabels } from "../../learn/teacher/pseudo-labels.js";
import { LabelStore, type StoreHeader } from "../../learn/teacher/store/store.js";
import type { Arm } from "./arm.js";
import { fingerprint } from "../folder/context.js";

/**
 * @param seen how many samples its student sees, and of how many of them it may use the label
 * @throws InputError for pseudo-labels that cannot go with the rest of the recipe
 */
export function checkPseudoLabels(
  { transfer, objective, teacher }: Plan,
  seen: { readonly samples: number; readonly labelled: number },
): void {
  if (!transfer.pseudoLabels) return;
  const field = "transfer.pseudo_labels";
  if (seen.labelled > 0 && seen.labelled === seen.samples)
    throw new InputError({
      code: "option-conflict",
      where: field,
      found: `the student sees ${noun(seen.samples, "sample")}, all of them with a label, so nothing is left to label`,
      cure: "Set transfer.samples to all, and transfer.labelled to the number of labels it may use",
    });
  if (transfer.pseudoLabels.balance && transfer.omitClasses.length + transfer.onlyClasses.length > 0)
    throw new InputError({
      code: "option-conflict",
      where: `${field}.balance`,
      found:
        "balancing would repeat the teacher's mistakes: of an omitted class it has only samples that it takes for it",
      cure: "Set it to false (strategy.balance of a noisy-student)",
    });
  const needs = objectiveNeeds(objectiveOf(objective));
  if (needs.labels || !needs.teacher)
    throw new InputError({
      code: "option-conflict",
      where: field,
      found: "pseudo-labels take the place of the labels, and only the loss against the teacher learns them",
      cure: "Set objective.alpha to 1",
    });
  if ("group" in teacher && (teacher.combine === "mean-losses" || teacher.combine === "draw"))
    throw new InputError({
      code: "option-conflict",
      where: field,
      found: `they are one distribution per sample, and ${teacher.combine} keeps those of each teacher`,
      cure: "Set combine: mean-probabilities",
    });
}

/** What a student learns from pseudo-labels. */
export interface Pseudo {
  readonly store: LabelStore;
  readonly samples: Uint32Array;
  readonly counts: PseudoLabels["counts"];
}

/** The targets of a student, made of the teacher's answers when they are asked for. */
class PseudoStore extends LabelStore {
  constructor(
    private readonly teacher: LabelStore,
    header: StoreHeader,
    private readonly certain: Int32Array,
  ) {
    super(teacher.folder, header, null);
  }

  override get outputs(): Float32Array {
    const all = Uint32Array.from({ length: this.header.samples }, (_, i) => i);
    const out = new Float32Array(all.length * this.header.classes.length);
    this.gather(all, out);
    return out;
  }

  override gather(indices: Uint32Array, out: Float32Array): void {
    this.teacher.gather(indices, out);
    fillTargets(this.teacher.kind, this.header.classes.length, this.certain, indices, out);
  }
}

/** Makes the pseudo-labels of an arm; null where it asks for none. Samples outside the arm's keep the teacher's answers. */
export function pseudoLabelled(
  { plan, transfer, labelled }: Pick<Arm, "plan" | "transfer" | "labelled">,
  { data }: LoadedData,
  store: LabelStore,
): Pseudo | null {
  const options = plan.transfer.pseudoLabels;
  if (!options) return null;
  const { kind, balance, minConfidence } = options;
  const { classes } = store.header;
  const chosen = choosePseudoLabels(store, classes.length, transfer, labelsOnly(data, labelled), {
    kind,
    balance,
    minConfidence,
  });
  // The precision that is left in the header is that of features, which stay where they are.
  const header = {
    ...store.header,
    kind: "probabilities",
    preprocessing: fingerprint(store.header.preprocessing, store.header.precision, options, labelled),
  } as const;
  const { samples, counts, certain } = chosen;
  return { store: new PseudoStore(store, header, certain), samples, counts };
}

/** What a student with pseudo-labels was trained on, and what was left out: "100 samples with labels and 520 of 969 other samples ...". */
export function pseudoSaid({ samples, counts }: Pseudo): string {
  const { unlabelled, confident, chosen } = counts;
  const copies = chosen === confident ? "" : `, balanced to ${chosen}`;
  return `${noun(samples.length - chosen, "sample")} with labels and ${confident} of ${noun(unlabelled, "other sample")} with the teacher's pseudo-labels${copies}`;
}
