/** No teacher. */
import { z } from "zod";
import type { RecipeTeacher } from "../../recipe/registries.js";

const fields = z.strictObject({
  none: z.literal(true).describe("No teacher, for strategies that do not use one"),
});

const schema = () => fields;

declare module "../../recipe/registries.js" {
  interface TeacherSchemas {
    none: typeof schema;
  }
}

export const noTeacher: RecipeTeacher = { kind: "none", mark: "none", schema, members: () => [] };
