/** A teacher that is an ONNX file. */
import type { RecipeTeacher } from "../../recipe/registries.js";
import { type FileTeacherPlan, fileTeacherSchema } from "./file-schema.js";

const schema = () => fileTeacherSchema;

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    file: typeof schema;
  }
}

export const fileTeacher: RecipeTeacher<FileTeacherPlan> = { kind: "file", mark: "file", schema };
