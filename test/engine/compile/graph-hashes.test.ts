/**
 * The compiled graphs of the benchmarks' workloads, by hash, for every target: a refactoring changes none of them.
 * A change that is meant says why in its commit: LIMBECK_WRITE_HASHES=1 node --test build/test/engine/compile/graph-hashes.test.js
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STEP_WORKLOADS, type StepWorkload } from "../../../bench/workloads.js";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import type { Target } from "../../../src/engine/compile/lower.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { readModel } from "../../../src/engine/graph/read.js";
import type { Graph } from "../../../src/engine/graph/types.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import { packageRoot } from "../../../src/node/package-root.js";
import { graphHash } from "../../support/graph-hash.js";

const FILE = join(packageRoot(), "test", "fixtures", "compile", "graph-hashes.json");
const TARGETS: Readonly<Record<string, Target>> = {
  plain: "plain",
  webgpu: "webgpu",
  "blocked 8": { blocked: 8 },
  "blocked 16": { blocked: 16 },
};

/** Hashes of a workload's graphs: "step", "evaluation" and, with several terms, "diagnostic". */
function hashesOf(workload: StepWorkload, target: Target): Record<string, string> {
  const { model: spec, inputShape, classes, batch, objective, samples } = workload;
  const sampleType = samples.kind === "tokens" ? "int32" : "float32";
  const model = trainableModel(buildModel(spec, { inputShape, classes, seed: 7 }));
  const normalisation = samples.kind === "tokens" ? null : { scale: 0.5, mean: [0.25], std: [2] };
  const compiled = compileTraining({
    model: { ...model, graph: withNormalisation(model.graph, model.inputs[0] as string, normalisation, sampleType) },
    batch,
    inputs: [{ shape: inputShape, dtype: sampleType }],
    classes,
    objective,
    teacherKind: "logits",
    target,
  });
  const { step, evaluation, diagnostic } = compiled;
  return Object.fromEntries(
    Object.entries({ step, evaluation, diagnostic }).flatMap(([name, program]) =>
      program ? [[name, graphHash(readModel(program.graph).graph)]] : [],
    ),
  );
}

test("every compiled graph of the benchmarks is the one that was committed", { timeout: 300_000 }, () => {
  const found = Object.fromEntries(
    STEP_WORKLOADS.map((workload) => [
      workload.name,
      Object.fromEntries(Object.entries(TARGETS).map(([name, target]) => [name, hashesOf(workload, target)])),
    ]),
  );
  if (process.env.LIMBECK_WRITE_HASHES) writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`);
  assert.deepEqual(found, JSON.parse(readFileSync(FILE, "utf8")));
});

const chain = (names: readonly string[], weight: number): Graph => ({
  name: names.join(""),
  inputs: [{ name: names[0] as string, dtype: "float32", shape: [2] }],
  outputs: [{ name: names[2] as string, dtype: "float32", shape: [2] }],
  nodes: [
    {
      name: "n",
      op: "Mul",
      domain: "",
      inputs: [names[0], names[1]] as string[],
      outputs: [names[2]] as string[],
      attributes: {},
    },
  ],
  initializers: new Map([[names[1] as string, { dtype: "float32", shape: [], data: Float32Array.of(weight) }]]),
});

test("a graph's hash is blind to names, and to nothing else", () => {
  const hash = graphHash(chain(["x", "w", "y"], 2));
  assert.equal(graphHash(chain(["a", "b", "c"], 2)), hash);
  assert.notEqual(graphHash(chain(["x", "w", "y"], 3)), hash);
  const swapped = chain(["x", "w", "y"], 2);
  assert.notEqual(
    graphHash({ ...swapped, nodes: swapped.nodes.map((n) => ({ ...n, inputs: [...n.inputs].reverse() })) }),
    hash,
  );
});
