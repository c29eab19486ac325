import type { KernelTable } from "./kernel.js";

export const poolingKernels: KernelTable = {};
