/** What a source of samples is: its description in a recipe, how it is read, and what `limbeck init` writes for it. */
import type { z } from "zod";
import type { CommonSettings } from "../common-fields.js";
import type { RawSource, SourceContext } from "../source.js";

/** Fields named as code names them; one of them is `source`, a literal. */
export type SourceSchema = z.ZodObject<{ readonly source: z.ZodLiteral<string> }>;

/** The settings of a source: its own fields and those that every source has. */
export type SourceSettings<S extends SourceSchema> = z.output<S> & CommonSettings;

/** A line of the starter recipe. */
export interface StarterLine {
  /** A field of the source, named as code names it. */
  readonly field: string;
  readonly value: unknown;
  /** Commented out: the value is an example. */
  readonly off?: true;
  /** Instead of the schema's description. What begins with CHANGE is the user's to change. */
  readonly note?: string;
}

/** What `limbeck init --data <kind>` writes. */
export interface Starter {
  /** Its fields, in their order. */
  readonly lines: readonly StarterLine[];
  /** Parts that the source has itself: a test part, or perhaps any. Default: none. */
  readonly parts?: "test" | "any";
  /** An example of a normalisation. Default "unit". */
  readonly normalise?: "standard";
  /** The samples are images for small convolutional networks: so are the models, and the views are flipped and shifted. */
  readonly images?: true;
  /** A student as a recipe says it; its fields are named as code names them. Default: one hidden layer of 32. */
  readonly student?: Readonly<Record<string, unknown>>;
}

/** An entry of the registry of sources. */
export interface SourceEntry<S extends SourceSchema = SourceSchema> {
  /** Its name in recipes: `data.source`. */
  readonly kind: string;
  /** Its own fields, with their descriptions and defaults; `file("...")` marks those that are paths. */
  readonly schema: S;
  /** Absent: `limbeck init` writes no lines of its own. */
  readonly starter?: Starter;
  /**
   * Reads the samples. What is heavy (DuckDB, sharp) is loaded here, when it is used.
   * @param context where relative paths start
   * @throws InputError naming the file or the field that cannot be used
   */
  read(settings: SourceSettings<S>, context: SourceContext): RawSource | Promise<RawSource>;
}

/** Types the functions of an entry by its schema. */
export const sourceEntry = <S extends SourceSchema>(entry: SourceEntry<S>): SourceEntry<S> => entry;
