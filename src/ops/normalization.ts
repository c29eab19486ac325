import type { OpDefinition } from "./definition.js";

export const normalizationOps: readonly OpDefinition[] = [];
