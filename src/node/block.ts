/** ONNX Runtime's blocked layout on this processor. */

import { irVersionFor } from "../engine/graph/opsets.js";
import { CANONICAL_OPSET, type Graph } from "../engine/graph/types.js";
import { writeModel } from "../engine/graph/write.js";
import { openSession } from "./session.js";

const DOMAIN = "com.microsoft.nchwc";

let asked: Promise<number | undefined> | undefined;

/**
 * Channels a block: 8 or 16 as the processor's vectors are wide. Undefined where ONNX Runtime has no such layout (wasm,
 * processors without wide vectors). Asked once: a model that only reorders four channels shows how many come out.
 */
export function blockSize(): Promise<number | undefined> {
  asked ??= probe();
  return asked;
}

async function probe(): Promise<number | undefined> {
  const graph: Graph = {
    name: "probe",
    inputs: [{ name: "x", dtype: "float32", shape: [1, 4, 1, 1] }],
    outputs: [{ name: "y", dtype: "float32", shape: null }],
    nodes: [{ name: "reorder", op: "ReorderInput", domain: DOMAIN, inputs: ["x"], outputs: ["y"], attributes: {} }],
    initializers: new Map(),
  };
  const opsets = { "": CANONICAL_OPSET, [DOMAIN]: 1 };
  const bytes = writeModel({ graph, opsets, irVersion: irVersionFor(CANONICAL_OPSET), metadata: {} });
  try {
    const session = await openSession(bytes, { threads: 1 });
    try {
      const x = { dtype: "float32", shape: [1, 4, 1, 1], data: new Float32Array(4) } as const;
      const block = (await session.run({ x })).y?.shape[1];
      return block === 8 || block === 16 ? block : undefined;
    } finally {
      await session.dispose();
    }
  } catch {
    return undefined;
  }
}
