/** An arm's teacher as it stands behind pseudo-labels, and the samples that the student then sees. */
import { labelsOnly } from "../../learn/data/labels/labels.js";
import type { LoadedData } from "../../learn/data/types.js";
import { noun } from "../../base/noun.js";
import { choosePseudoLabels, fillTargets, type PseudoLabels } from "../../learn/teacher/pseudo-labels.js";
import { LabelStore, type StoreHeader } from "../../learn/teacher/store/store.js";
import type { Arm } from "./arm.js";
import { fingerprint } from "../folder/context.js";

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
