import type { KernelTable } from "./kernel.js";

export const normalizationKernels: KernelTable = {};
