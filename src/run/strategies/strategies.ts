/** All strategies of limbeck, registered. Adding one: write its file, add it to the list here. */
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
