/** What a loss is. One loss a file; the registry collects them. */
import type { z } from "zod";
import type { Given } from "../../base/schema-fields.js";
import type { Value } from "../graph/builder.js";
import type { LayerPair } from "./features.js";
import type { LossInputs } from "./types.js";

/** Options of a loss, named as code names them: a mapping whose `kind` names the loss. */
export type LossSchema = z.ZodObject<{ readonly kind: z.ZodLiteral<string> } & z.ZodRawShape, z.core.$strict>;

/** Every loss's configuration names its loss. */
export interface LossConfig {
  readonly kind: string;
}

/** What an objective reads of a batch. */
export interface LossNeeds {
  readonly teacher: boolean;
  readonly labels: boolean;
}

/** A temperature that is left to limbeck ("auto") is chosen before a loss is built. */
type Settled<T> = T extends unknown
  ? { readonly [K in keyof T]: K extends "temperature" ? Exclude<T[K], "auto"> : Given<T[K]> }
  : never;

/** A loss's configuration as it is written: fields with a default may be missing. */
export type ConfigOf<S extends LossSchema> = Settled<z.input<S>>;
/** A loss's configuration with every default filled in. */
export type SettingsOf<S extends LossSchema> = Settled<z.output<S>>;

/**
 * What a loss is measured against, which is where an objective may name it: "labels" as `studentLoss`, "answers" (of a
 * teacher) as `distillationLoss` or as a term, "layers" (of a teacher) as a term, "peers" (students that learn together) in
 * the strategy mutual alone.
 */
export type LossReference = "labels" | "answers" | "layers" | "peers";

/**
 * What becomes of `rowWeights` in a loss: "weighted" is sum(w * loss) / sum(w) over the rows; "related" compares rows with
 * each other, so that a row left out would change what the others are compared with; "equal" counts every row the same.
 * Losses of the last two kinds refuse row weights, masks included.
 */
export type RowTreatment = "weighted" | "related" | "equal";

/** How a student reuses its teacher's classifier: up to which layer it stays itself, and what the classifier reads. */
export interface ClassifierReuse {
  readonly layer: LayerPair;
  /** The transfer's inner width is the teacher's divided by it. */
  readonly factor: number;
}

/**
 * A loss: summed over classes and averaged over the batch unless its own definition says otherwise. It owns everything
 * about itself; shared code asks it and knows no loss by name.
 */
export interface LossEntry<S extends LossSchema = LossSchema, Against extends LossReference = LossReference> {
  /** Its name in recipes, logs and reports; the `kind` of its schema. */
  readonly kind: S["shape"]["kind"]["value"];
  readonly against: Against;
  /** Its options with their defaults and descriptions: its types, a recipe's fields and the reference's rows come from it. */
  readonly schema: S;
  readonly needs: LossNeeds;
  /** Whether it is a mean over the samples of numbers that each depend on one sample, and reads `sampleWeights`. Absent: no. */
  readonly perSample?: true;
  /** What becomes of `rowWeights`. A loss that is "weighted" reads them (support.ts has the means that do). Absent: "equal". */
  readonly rows?: RowTreatment;
  /** Whether it is meant to be a divergence of softened distributions, T^2 included: `limbeck doctor` holds it to the laws of one. */
  readonly divergence?: true;
  /** Whether it compares the directions of outputs, as of embeddings, and so a cosine tells how well a student does. */
  readonly directions?: true;
  /**
   * Of a loss that needs labels: whether it takes them by their shares, as mixup and cutmix blend them. A text names what
   * does not ("a virtual teacher"). Absent: it does not.
   */
  blends?(settings: SettingsOf<S>): true | string;
  /** Of a loss against labels: which options are set that mean nothing where no label is used; null where none is. */
  labelOptions?(settings: SettingsOf<S>): string | null;
  /** Of a loss against labels: the same loss with labels as they are. Absent: the loss itself. */
  plain?(settings: SettingsOf<S>): ConfigOf<S>;
  /** Layers whose values it compares; absent: none. */
  layers?(settings: SettingsOf<S>): readonly LayerPair[];
  /** Of a loss for which the student ends in its teacher's classifier. */
  reuse?(settings: SettingsOf<S>): ClassifierReuse;
  /** Throws InputError where options that the schema allows make no sense together; `field` is the loss's place in the objective. */
  check?(settings: SettingsOf<S>, field: string): void;
  /** The loss as a scalar []; its gradient follows from the graph. */
  build(inputs: LossInputs, settings: SettingsOf<S>): Value;
}
