import type { OpDefinition } from "./definition.js";

export const dropoutOps: readonly OpDefinition[] = [];
