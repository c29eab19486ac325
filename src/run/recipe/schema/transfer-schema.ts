/** Classes that the student never sees, and the correction of its biases: fields of the recipe's transfer. */
import { z } from "zod";
import { className } from "../../../base/schema-fields.js";

const classNames = z.array(className);

export const omissionFields = {
  omitClasses: classNames
    .default([])
    .describe(
      "Names of classes that student and baseline never see (docs/teachers.md). Teacher, validation and test keep them",
    ),
  onlyClasses: classNames
    .default([])
    .describe("Names of the only classes that student and baseline see; use instead of omit_classes"),
  biasCorrection: z
    .boolean()
    .default(false)
    .describe(
      "After training, shift the outputs of the omitted classes (with only_classes: of the classes kept) by the number that is best on the validation samples (Hinton 2015, section 3)",
    ),
};
