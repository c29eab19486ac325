/** A teacher whose answers are there already: a label store. */
import { z } from "zod";
import { file } from "../../../base/schema-fields.js";
import type { RecipeTeacher } from "../../recipe/registries.js";
import { partOfClasses } from "./fields.js";

const schema = () => fields;

const fields = z.strictObject({
  labelStore: file("Folder written by `limbeck label`"),
  classes: partOfClasses,
});

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    store: typeof schema;
  }
}

export type StoreTeacherPlan = z.output<typeof fields>;

export const storeTeacher: RecipeTeacher<StoreTeacherPlan> = { kind: "store", mark: "labelStore", schema };
