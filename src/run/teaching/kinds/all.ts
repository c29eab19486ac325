/** All teachers of limbeck, registered. Adding one: write its file, add it to the list here. */
import { teachers } from "../../recipe/registries.js";
import { endpointTeacher } from "./endpoint.js";
import { fileTeacher } from "./file.js";
import { groupTeacher } from "./group.js";
import { noTeacher } from "./none.js";
import { storeTeacher } from "./store.js";
import { trainedTeacher } from "./trained.js";

for (const entry of [trainedTeacher, fileTeacher, storeTeacher, endpointTeacher, groupTeacher, noTeacher])
  teachers.register(entry);
