/** Cheap values computed again in the backward pass: the same numbers from less memory. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lowerGraph, type Target } from "../../../src/engine/compile/lower.js";
import { defaultPasses, runPasses } from "../../../src/engine/compile/passes/index.js";
import { recompute } from "../../../src/engine/compile/passes/recompute.js";
import { LOSS } from "../../../src/engine/compile/step.js";
import type { Graph } from "../../../src/engine/graph/types.js";
import { trainModel } from "../../../src/index.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { blockSize } from "../../../src/node/block.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { feedsOf, stepOf } from "../../support/steps.js";

/** Ops that ONNX Runtime runs in place or as a view: their output takes nothing. */
const VIEWS = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"]);

/** Most bytes alive at once when the nodes run in their order and a value goes with its last reader. */
function peakBytes(graph: Graph): number {
  const whose = new Map<string, string>();
  const owner = (name: string): string => whose.get(name) ?? name;
  const last = new Map<string, number>();
  graph.nodes.forEach((node, i) => {
    if (VIEWS.has(node.op)) whose.set(node.outputs[0] as string, owner(node.inputs[0] as string));
    for (const name of node.inputs) last.set(owner(name), i);
  });
  for (const { name } of graph.outputs) last.set(owner(name), Number.POSITIVE_INFINITY);
  const bytes = (name: string): number => {
    const type = graph.valueTypes?.get(name);
    const size = (type?.shape ?? []).reduce<number>((n, d) => n * (d as number), 1);
    return type ? size * (type.dtype === "bool" ? 1 : 4) : 0;
  };
  let [alive, peak] = [0, 0];
  graph.nodes.forEach((node, i) => {
    const made = node.outputs.filter((o) => o !== "" && owner(o) === o && last.has(o));
    for (const o of made) alive += bytes(o);
    peak = Math.max(peak, alive);
    const read = new Set(node.inputs.map(owner));
    for (const name of read) if (last.get(name) === i && graph.valueTypes?.has(name)) alive -= bytes(name);
  });
  return peak;
}

const mobilenet: ModelSpec = { kind: "mobilenet", width: 0.25 };
const resnet: ModelSpec = { kind: "resnet", depth: 20 };
const vit: ModelSpec = { kind: "vit", patch: 4, dim: 32, depth: 4, heads: 2 };
const block = await blockSize();
const targets: readonly (readonly [string, Target])[] = [
  ["plain", "plain"],
  ...(block === undefined ? [] : [["blocked", { blocked: block }] as const]),
];
const cases: readonly (readonly [string, ModelSpec, number])[] = [
  // Batch norm's output goes, its centred input stays.
  ["mobilenet", mobilenet, 0.6],
  ["resnet", resnet, 0.8],
  // Gelu and layer norm.
  ["vit", vit, 0.8],
];

for (const [name, spec, most] of cases)
  for (const [layout, target] of targets)
    test(`${name}, ${layout}: the same losses and gradients, and less is alive`, async () => {
      const step = stepOf(spec, [3, 32, 32], 8);
      const graph = runPasses(lowerGraph(step, target), defaultPasses, { verify: true });
      const again = { name: "recompute", run: (g: Graph) => recompute(g, LOSS) };
      const saving = runPasses(graph, [again], { verify: true });
      const feeds = feedsOf(step);
      const [kept, found] = [await runInOnnxRuntime(graph, feeds), await runInOnnxRuntime(saving, feeds)];
      for (const output of graph.outputs) assert.deepEqual(found.get(output.name), kept.get(output.name), output.name);
      const ratio = peakBytes(saving) / peakBytes(graph);
      assert.ok(ratio < most, `${ratio} of the memory`);
    });

test("a graph without a cheap value that is kept stays as it is", () => {
  const graph = lowerGraph(stepOf({ kind: "mlp", hidden: [8] }, [4], 4));
  assert.deepEqual(recompute(graph, LOSS).nodes, graph.nodes);
});

test("from a recipe: the same student, byte for byte", async () => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-recompute-"));
  try {
    const conv = { conv: 16, kernel: 3, padding: 1, batch_norm: true, activation: "relu" } as const;
    const student = { kind: "cnn", layers: [conv, conv, { global_pool: "average" }] } as const;
    const bytes: Buffer[] = [];
    for (const recompute of [false, true]) {
      const out = join(folder, String(recompute));
      const recipe = {
        name: "r",
        data: { source: "digits" },
        student,
        training: { steps: 12, batch: 32, recompute },
      } as const;
      await trainModel(recipe, { out, threads: 1 });
      bytes.push(readFileSync(join(out, "model.onnx")));
    }
    assert.deepEqual(bytes[1], bytes[0]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
