/** Values and gradients of every loss against PyTorch in float64 (test/fixtures/objective/losses.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { scalar, tensor } from "../../../src/engine/graph/tensor.js";
import type { Tensor } from "../../../src/engine/graph/types.js";
import {
  evaluateObjective,
  type ObjectiveValues,
  objectiveGraph,
  type RunGraph,
} from "../../../src/engine/objective/evaluate.js";
import type { ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { assertInferredShapes } from "../ops/support/onnxruntime.js";
import { onnxRuntime, reference } from "./support.js";

interface Case extends ObjectiveValues {
  readonly name: string;
  readonly config: ObjectiveConfig;
  readonly studentLogits: number[][];
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly gradient: number[][];
}

const { cases } = JSON.parse(readFileSync("test/fixtures/objective/losses.json", "utf8")) as { cases: Case[] };

const executors: Readonly<Record<string, RunGraph>> = {
  "the reference evaluator": reference,
  "ONNX Runtime": onnxRuntime,
};

for (const [name, run] of Object.entries(executors)) {
  test(`every case has PyTorch's loss, terms and gradient in float64, by ${name}`, async () => {
    for (const c of cases) {
      const found = await evaluateObjective(run, c.config, c);
      close(found.loss, c.loss, 1e-11, `${c.name}: loss`);
      assert.deepEqual(Object.keys(found.terms), Object.keys(c.terms), c.name);
      for (const [term, value] of Object.entries(c.terms))
        close(found.terms[term]?.value, value, 1e-11, `${c.name}: ${term}`);
      c.gradient.flat().forEach((g, k) => {
        close(found.gradient.flat()[k], g, 1e-11, `${c.name}: gradient ${k}`);
      });
    }
  });
}

test("in float32 on ONNX Runtime, as in training, the same within float32", async () => {
  for (const c of cases) {
    const kind = c.teacherProbabilities ? "probabilities" : "logits";
    const [batch, classes] = [c.studentLogits.length, c.studentLogits[0]?.length ?? 0];
    const { graph, scalars } = objectiveGraph(c.config, batch, classes, kind, "float32");
    assert.equal(lowerGraph(graph), graph, "an objective needs no abstract op");
    await assertInferredShapes(graph);
    const rows = (m: readonly ArrayLike<number>[]): Tensor =>
      tensor(
        "float32",
        m.flatMap((r) => Array.from(r)),
        [batch, classes],
      );
    const feeds = new Map<string, Tensor>([["student_logits", rows(c.studentLogits)]]);
    const teacher = c.teacherLogits ?? c.teacherProbabilities;
    if (teacher) feeds.set("teacher", rows(teacher));
    if (c.labels) feeds.set("labels", tensor("int64", c.labels));
    for (const s of scalars) feeds.set(s.name, scalar(s.initial));
    const outputs = await onnxRuntime(graph, feeds);
    // A KL is the small rest of terms that cancel: float32 keeps it to about 1e-7, which T^2 then multiplies.
    const { distillationLoss: soft } = c.config;
    const temperature = (soft && "temperature" in soft && soft.temperature) || 1;
    const magnified = Math.max(1, temperature ** 2 / 4) * (soft?.kind === "dkd" ? 8 : 1);
    close(outputs.get("loss")?.data[0], c.loss, 1e-6 * magnified, `${c.name}: loss`);
    c.gradient.flat().forEach((g, k) => {
      close(outputs.get("gradient")?.data[k], g, 3e-6, `${c.name}: gradient ${k}`);
    });
  }
});

test("every registered loss has a case", () => {
  const seen = new Set(cases.flatMap((c) => [c.config.studentLoss.kind, c.config.distillationLoss?.kind]));
  const kinds: ReadonlySet<string | undefined> = seen;
  for (const { kind } of lossesAgainst("labels", "answers")) assert.ok(kinds.has(kind), kind);
});

/** Within tolerance of max(1, |expected|). */
function close(actual: number | undefined, expected: number, tolerance: number, what: string): void {
  const error = Math.abs((actual ?? Number.NaN) - expected) / Math.max(1, Math.abs(expected));
  assert.ok(error <= tolerance, `${what}: ${actual}, PyTorch gives ${expected}`);
}
