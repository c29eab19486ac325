import type { KernelTable } from "./kernel.js";

export const convolutionKernels: KernelTable = {};
