/** Pieces of schemas that the entries of several registries share. */
import { z } from "zod";

export const count = z.number().int().min(1);
export const fraction = z.number().min(0).max(1);
export const positive = z.number().positive();
export const rate = z.number().min(0).lt(1);
export const weight = z.number().min(0);

/** A factor that changes over the training. */
export const factor = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("constant").describe("Factor 1") }),
    ...(["linear", "cosine"] as const).map((kind) =>
      z.strictObject({
        kind: z.literal(kind).describe(kind === "linear" ? "A straight ramp" : "A cosine ramp, flat at both ends"),
        from: weight.default(0).describe("Factor before the ramp"),
        to: weight.default(1).describe("Factor after the ramp"),
        begin: fraction.default(0).describe("Start of the ramp, as a fraction of the training"),
        end: fraction.default(1).describe("End of the ramp, as a fraction of the training"),
      }),
    ),
    z.strictObject({
      kind: z.literal("warm-up").describe("Rises linearly to 1"),
      steps: z.number().int().min(1).describe("Length in steps"),
    }),
    z.strictObject({
      kind: z.literal("step").describe("Starts at 1 and is multiplied by gamma at each milestone"),
      gamma: weight.default(0.1).describe("Factor at each milestone"),
      milestones: z.array(fraction).min(1).describe("Milestones, as fractions of the training"),
    }),
  ])
  .describe("A factor that changes over the training");

/** What strings and mappings of a recipe stand for; a copy with a description keeps it. */
const meanings = z.registry<{ readonly meaning: "file" | "changes" }>();

/** A path. */
export function file(what: string): z.ZodString {
  return z.string().min(1).describe(`${what}; relative to the recipe file`).register(meanings, { meaning: "file" });
}

/** Whether a schema is of a path. */
export const isFile = (schema: z.core.$ZodType): boolean => meanings.get(schema)?.meaning === "file";

/** Fields of a recipe, by their paths as it spells them, and what each shall be. */
export function changesTo<S extends z.ZodType>(value: S): z.ZodRecord<z.ZodString, S> {
  return z.record(z.string(), value).register(meanings, { meaning: "changes" });
}

/** Whether a schema is of changes to a recipe. */
export const isChanges = (schema: z.core.$ZodType): boolean => meanings.get(schema)?.meaning === "changes";

/** A class by its name. A number becomes its digits, as in data sets whose classes are numbers. */
export const className = z.union([z.string().min(1), z.number().int().min(0)]).transform(String);

/** Readonly all the way down: what is taken is never changed. */
export type Given<T> = T extends (infer E)[]
  ? readonly Given<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Given<T[K]> }
    : T;
