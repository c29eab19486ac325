/** How much memory this process may use. */
import { freemem, totalmem } from "node:os";

/** Bytes of the machine, or of the container this process is held to. */
export function usableMemory(): number {
  const held = process.constrainedMemory();
  return held > 0 ? Math.min(totalmem(), held) : totalmem();
}

/** Bytes that are free for this process now; what the system keeps as a cache of files counts as free where Node says so. */
export function freeMemory(): number {
  // Since Node 20.13.
  const available: unknown = Reflect.get(process, "availableMemory");
  return typeof available === "function" ? Number(Reflect.apply(available, process, [])) : freemem();
}
