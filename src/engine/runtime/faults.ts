/** Errors of executing graphs. Nothing here is Node's. */
import { faultOf, RunError } from "../../base/errors.js";

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How the allocators of ONNX Runtime and of the language say that there is no memory left. */
const NO_MEMORY = /bad.?alloc|failed to allocate|out of memory|allocation failed/i;

/** The error for what ONNX Runtime refuses or fails at. @param where the file, graph or step */
export function engineFailed(where: string, doing: string, cause: unknown): RunError {
  const inner = faultOf(cause);
  if (inner) return new RunError({ ...inner, where, found: `${doing}: ${inner.where}: ${inner.found}` }, { cause });
  const reason = messageOf(cause);
  if (NO_MEMORY.test(reason))
    return new RunError(
      {
        code: "memory-exceeded",
        where,
        found: `${doing}: ${reason}`,
        cure: "Use a smaller batch or model, or close other programs",
      },
      { cause },
    );
  return new RunError({ code: "engine-failed", where, found: `${doing}: ${reason}` }, { cause });
}

/** The error for programs, state and requests that do not fit each other: a mistake of limbeck or of who calls its executor. */
export function mismatch(where: string, found: string, expected?: string): RunError {
  return new RunError({ code: "internal", where, found, expected });
}
