/** Fields that several kinds of teachers have. */
import { z } from "zod";
import { className } from "../../../base/schema-fields.js";

export const storePrecision = z
  .enum(["float32", "float16"])
  .default("float32")
  .describe("Precision of the label store");

export const partOfClasses = z
  .array(className)
  .min(2)
  .optional()
  .describe(
    "For groups with combine: merge, the classes this teacher knows. A trained teacher sees only samples of these classes; its answers for other classes are ignored",
  );
