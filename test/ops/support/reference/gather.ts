import type { KernelTable } from "./kernel.js";

export const gatherKernels: KernelTable = {};
