/** The strategies that are plans of several runs. Adding one: write its file, add it to the list here. */
import { assistants } from "./assistants.js";
import { bornAgain } from "./born-again.js";
import { consistent } from "./consistent.js";
import { ladder } from "./ladder.js";
import { noisyStudent } from "./noisy-student.js";
import { teacherFree } from "./teacher-free.js";

export const strategies = [assistants, bornAgain, teacherFree, ladder, consistent, noisyStudent] as const;
