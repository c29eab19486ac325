/**
 * All teachers of limbeck, registered. Adding one: write its file, add it to the list and to the exports here. What is exported
 * keeps the entries' files, and with them the types of recipes, among the package's declarations.
 */
import { teachers } from "../../recipe/registries.js";
import type { TeacherEntry } from "../teacher-entry.js";
import { endpointTeacher } from "./endpoint.js";
import { fileTeacher } from "./file.js";
import { groupTeacher } from "./group.js";
import { absentTeacher } from "./none.js";
import { storeTeacher } from "./store.js";
import { trainedTeacher } from "./trained.js";

/** In the order of the recipe's reference. */
const entries: readonly TeacherEntry[] = [
  trainedTeacher,
  fileTeacher,
  storeTeacher,
  endpointTeacher,
  groupTeacher,
  absentTeacher,
];

for (const entry of entries) teachers.register(entry);

export { absentTeacher, endpointTeacher, fileTeacher, groupTeacher, storeTeacher, trainedTeacher };
