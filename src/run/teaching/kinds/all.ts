/** All teachers of limbeck, registered. Adding one: write its file, add it to the list here. */
import { registerTeacher } from "../registry.js";
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

for (const entry of entries) registerTeacher(entry);
