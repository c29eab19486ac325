/** Fields that sections of the recipe share. */
import { z } from "zod";

export const count = z.number().int().min(1);
export const fraction = z.number().min(0).max(1);
export const positive = z.number().positive();
export const rate = z.number().min(0).lt(1);

/** A path. */
export const file = (what: string) => z.string().min(1).describe(`${what}; relative to the recipe file`);

/** A class by its name. A number becomes its digits, as in data sets whose classes are numbers. */
export const className = z.union([z.string().min(1), z.number().int().min(0)]).transform(String);
