import type { KernelTable } from "./kernel.js";

export const dropoutKernels: KernelTable = {};
