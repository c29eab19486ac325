import type { OpDefinition } from "./definition.js";

export const shapeOps: readonly OpDefinition[] = [];
