import type { OpDefinition } from "./definition.js";

export const convolutionOps: readonly OpDefinition[] = [];
