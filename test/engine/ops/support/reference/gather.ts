/** Reference kernels of lookups (with those of movement). */
export { movementKernels as gatherKernels } from "./movement.js";
