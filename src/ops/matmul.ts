import type { OpDefinition } from "./definition.js";

export const matmulOps: readonly OpDefinition[] = [];
