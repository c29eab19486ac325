/**
 * All strategies of limbeck, registered. Adding one: write its file, add it to the list and to the exports here. What is
 * exported keeps the entries' files, and with them the types of recipes, among the package's declarations.
 */
import { assistants } from "./assistants.js";
import { bornAgain } from "./born-again.js";
import { consistent } from "./consistent.js";
import { ladder } from "./ladder.js";
import { mutual } from "./mutual.js";
import { noisyStudent } from "./noisy-student.js";
import { oneShot } from "./one-shot.js";
import { registerStrategy } from "./registry.js";
import type { StrategyEntry } from "./strategy-entry.js";
import { teacherFree } from "./teacher-free.js";

/** In the order of the recipe's reference. */
const entries: readonly StrategyEntry[] = [
  oneShot,
  assistants,
  bornAgain,
  teacherFree,
  ladder,
  mutual,
  consistent,
  noisyStudent,
];

for (const entry of entries) registerStrategy(entry);

export { assistants, bornAgain, consistent, ladder, mutual, noisyStudent, oneShot, teacherFree };
