/** Messages between the executor and its worker. Plain data; errors cross as name and text. */
import { InputError, RunError } from "../errors.js";
import { messageOf } from "./ort.js";
import type { BatchArray, ExecutorConfig, ExecutorState, StepRequest } from "./types.js";

export type Command =
  | { readonly kind: "start"; readonly config: ExecutorConfig; readonly initial: ExecutorState }
  | { readonly kind: "run"; readonly requests: readonly StepRequest[] }
  | { readonly kind: "evaluate"; readonly samples: BatchArray; readonly count: number }
  | { readonly kind: "snapshot" }
  | { readonly kind: "restore"; readonly state: ExecutorState }
  | { readonly kind: "dispose" };

/** `id` counts messages from 1; `signals` comes with the start message. */
export interface Message {
  readonly id: number;
  readonly command: Command;
  readonly signals?: Int32Array;
}

/** Index into the shared signals: runs up to this id shall stop after the step they are in. Written by the caller. */
export const STOP = 0;
/** Index into the shared signals: 1 while a command is executed, which may be inside a native call. Written by the worker. */
export const BUSY = 1;
/** Value of STOP when the process is about to exit: nothing more shall be executed. */
export const CLOSING = 0x7fffffff;

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

/** An error as it crosses: RunErrors and InputErrors are for the user, anything else is a bug and keeps its stack. */
export function packError(error: unknown): { name: string; message: string } {
  if (error instanceof RunError || error instanceof InputError) return { name: error.name, message: error.message };
  const text = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { name: "Error", message: `in the training worker: ${text}` };
}

export function unpackError(error: { readonly name: string; readonly message: string }): Error {
  if (error.name === "InputError") return new InputError("", error.message);
  return error.name === "RunError" ? new RunError(error.message) : new Error(error.message);
}

/** Buffers of every typed array in a message, each once: what can be transferred instead of copied. */
export function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (Array.isArray(value) || value instanceof Map) {
    for (const entry of value.values()) buffersIn(entry, found);
  } else if (typeof value === "object" && value !== null) {
    for (const entry of Object.values(value)) buffersIn(entry, found);
  }
  return found;
}
