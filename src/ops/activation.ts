import type { OpDefinition } from "./definition.js";

export const activationOps: readonly OpDefinition[] = [];
