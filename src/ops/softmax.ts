import type { OpDefinition } from "./definition.js";

export const softmaxOps: readonly OpDefinition[] = [];
