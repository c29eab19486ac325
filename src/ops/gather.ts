import type { OpDefinition } from "./definition.js";

export const gatherOps: readonly OpDefinition[] = [];
