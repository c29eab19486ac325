import type { OpDefinition } from "./definition.js";

export const reductionOps: readonly OpDefinition[] = [];
