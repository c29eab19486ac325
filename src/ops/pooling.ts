import type { OpDefinition } from "./definition.js";

export const poolingOps: readonly OpDefinition[] = [];
