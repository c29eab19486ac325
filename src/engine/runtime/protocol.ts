/** Messages between the executor and its worker. Plain data; errors cross as name and text. */
/** Messages between the executor and its worker. Plain data; errors cross as their faults. */
import { type Fault, faultOf, InputError, RunError } from "../../base/errors.js";
import { messageOf } from "./faults.js";
import type { BatchArray, ExecutorConfig, ExecutorState, StepRequest } from "./types.js";

export type Command =
  | { readonly kind: "start"; readonly config: ExecutorConfig; readonly initial: ExecutorState }
  | { readonly kind: "run"; readonly requests: readonly StepRequest[] }
  | { readonly kind: "evaluate"; readonly samples: readonly BatchArray[]; readonly count: number }
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
  | { readonly id: number; readonly error: PackedError };

/** An error as plain data. */
export interface PackedError {
  readonly kind: "input" | "run";
  readonly fault: Fault;
}

/** An error as it crosses: those of limbeck as they are; anything else is a mistake in limbeck and keeps its stack. */
export function packError(error: unknown): PackedError {
  const fault = faultOf(error);
  if (fault) return { kind: error instanceof InputError ? "input" : "run", fault };
  const found = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { kind: "run", fault: { code: "internal", where: "training worker", found } };
}

/** The error that was packed, of the same class and with the same parts. */
export function unpackError({ kind, fault }: PackedError): InputError | RunError {
  return kind === "input" ? new InputError(fault) : new RunError(fault);
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
