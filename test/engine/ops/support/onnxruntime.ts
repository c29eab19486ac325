/** ONNX Runtime as an independent source for shape inference and values of small graphs. */
import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import type { Graph, Tensor, ValueInfo } from "../../../../src/engine/graph/types.js";
import { encodeModel } from "./encode.js";
import { type RefTensor, ref } from "./reference/kernel.js";

ort.env.logLevel = "error";

async function sessionOf(graph: Graph): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(encodeModel(graph), { intraOpNumThreads: 1, logSeverityLevel: 3 });
}

/** Fails unless ONNX Runtime infers, for every value a node gives, the dtype and shape the builder gave it. */
export async function assertInferredShapes(graph: Graph): Promise<void> {
  const given = graph.nodes.flatMap((n) =>
    n.outputs.filter((o) => o !== "").map((o): [ValueInfo, string] => [typed(graph, o), `${n.op} "${n.name}"`]),
  );
  if (given.length === 0) return;
  const outputs = given.map(([v]): ValueInfo => ({ name: v.name, dtype: v.dtype, shape: null }));
  const session = await sessionOf({ ...graph, outputs });
  for (const [value, node] of given) {
    const found = session.outputMetadata.find((m) => m.name === value.name);
    assert.ok(found?.isTensor, `ONNX Runtime knows no output "${value.name}"`);
    assert.equal(found.type, value.dtype, `dtype of ${node}`);
    assert.deepEqual(
      [...found.shape],
      [...(value.shape ?? [])],
      `shape rule of ${node}: ONNX Runtime infers [${found.shape}], the rule gave [${value.shape}]`,
    );
  }
  await session.release();
}

/** Runs a graph of plain ops and returns its outputs by name. */
export async function runInOnnxRuntime(
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
): Promise<Map<string, RefTensor>> {
  const outputs = graph.outputs.map((o): ValueInfo => ({ ...o, shape: null }));
  const session = await sessionOf({ ...graph, outputs });
  const fed: Record<string, ort.Tensor> = {};
  for (const input of graph.inputs) {
    const t = feeds.get(input.name);
    assert.ok(t, `no feed for "${input.name}"`);
    fed[input.name] = new ort.Tensor(t.dtype as "float32", t.data as Float32Array, [...t.shape]);
  }
  const results = await session.run(fed);
  await session.release();
  return new Map(
    graph.outputs.map((o) => {
      const result = results[o.name] as ort.Tensor;
      const data = Array.from(result.data as ArrayLike<number | bigint>, Number);
      return [o.name, ref(o.dtype, result.dims, data)];
    }),
  );
}

function typed(graph: Graph, name: string): ValueInfo {
  const type = graph.valueTypes?.get(name);
  assert.ok(type, `value "${name}" has no type`);
  return { name, ...type };
}
