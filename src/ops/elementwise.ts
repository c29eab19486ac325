import type { OpDefinition } from "./definition.js";

export const elementwiseOps: readonly OpDefinition[] = [];
