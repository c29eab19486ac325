import type { KernelTable } from "./kernel.js";

export const matmulKernels: KernelTable = {};
