import type { OpDefinition } from "./definition.js";

export const comparisonOps: readonly OpDefinition[] = [];
