/** Classes that the student never sees, and what is done about its biases: fields of the recipe's transfer. */
import { z } from "zod";
import { className } from "./fields.js";

const classNames = z.array(className);

export const omissionFields = {
  omit_classes: classNames
    .default([])
    .describe(
      "Names of classes that student and baseline never see; the teacher, validation and test keep them. docs/teachers.md",
    ),
  only_classes: classNames.default([]).describe("Names of the only classes that they see; instead of omit_classes"),
  bias_correction: z
    .boolean()
    .default(false)
    .describe(
      "After training shift the outputs of the omitted classes (with only_classes: of those kept) by one number that is best on the validation samples, Hinton 2015 section 3",
    ),
};
