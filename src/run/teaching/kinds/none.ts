/** No teacher. */
import { z } from "zod";
import type { TeacherEntry } from "../teacher-entry.js";
import { noTeacher } from "../teacher-group.js";

const fields = z.strictObject({
  none: z.literal(true).describe("No teacher, for strategies that do not use one"),
});

const schema = () => fields;

declare module "../../recipe/registries.js" {
  interface TeacherSchemas {
    none: typeof schema;
  }
}

export const absentTeacher: TeacherEntry = {
  kind: "none",
  mark: "none",
  schema,
  absent: true,
  members: () => [],
  async prepare() {
    throw noTeacher();
  },
  stepTeacher: async () => null,
};
