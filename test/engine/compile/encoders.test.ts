/** Encoders of Hugging Face transformers as PyTorch exports them: what is a weight, what they answer, and their gradients (test/fixtures/encoders/make.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import { importGraph } from "../../../src/engine/compile/import-graph.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { samplesName } from "../../../src/engine/compile/step.js";
import { weightsOf } from "../../../src/engine/compile/weights.js";
import { readModel } from "../../../src/engine/graph/read.js";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../../src/engine/graph/types.js";
import { openSession } from "../../../src/node/session.js";

interface Encoder {
  readonly inputs: Readonly<Record<string, number[][]>>;
  readonly labels: number[];
  readonly logits: number[][];
  readonly loss: number;
  /** By exporter: the gradient of each tensor that is a parameter, base64 float32; null: the loss does not depend on it. */
  readonly files: Readonly<Record<string, Readonly<Record<string, { parameter: string; gradient: string | null }>>>>;
}

const folder = join(process.cwd(), "test", "fixtures", "encoders");
const encoders = JSON.parse(readFileSync(join(folder, "encoders.json"), "utf8")) as Record<string, Encoder>;

const floats = (text: string): Float32Array => {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

const graphOf = (name: string, exporter: string): Graph => {
  const file = `${name}-${exporter}.onnx`;
  return importGraph(readModel(new Uint8Array(readFileSync(join(folder, file)))), file).graph;
};

for (const [name, encoder] of Object.entries(encoders))
  for (const [exporter, known] of Object.entries(encoder.files))
    test(`${name}, ${exporter}: its weights are PyTorch's parameters; answers, loss and gradients are PyTorch's`, async () => {
      const graph = graphOf(name, exporter);
      const { weights } = weightsOf(graph);
      assert.deepEqual([...weights.keys()].sort(), Object.keys(known).sort());
      const arrays = Object.entries(encoder.inputs);
      const ports = arrays.map(([, rows]) => ({ shape: [rows[0]?.length as number], dtype: "int32" as const }));
      const raw = arrays.reduce((g, [input]) => withNormalisation(g, input, null, "int32"), graph);
      const parameters = Object.keys(known).filter((key) => known[key]?.gradient !== null);
      const batch = encoder.labels.length;
      const compiled = compileTraining({
        model: { graph: raw, parameters, buffers: [], inputs: arrays.map(([input]) => input), output: "logits" },
        batch,
        inputs: ports,
        classes: 3,
        objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
        verify: true,
      });
      const fed = new Map<string, Tensor>(
        arrays.map(([, rows], i) => [samplesName(i), tensor("int32", rows.flat(), [batch, rows[0]?.length as number])]),
      );
      fed.set("step/labels", tensor("int64", encoder.labels, [batch]));
      compiled.step.scalars.forEach((scalar, i) => {
        fed.set(scalar, tensor("float32", [compiled.scalars[i] as number], []));
      });
      for (const key of parameters) fed.set(key, graph.initializers.get(key) as Tensor);
      // Nothing is dropped.
      for (const { name: mask, shape } of compiled.step.masks)
        fed.set(mask, tensor("float32", new Float32Array(sizeOf(shape)).fill(1), shape));
      const step = await openSession(compiled.step.graph, { threads: 1 });
      const outputs = await step.run(Object.fromEntries(step.inputs.map((i) => [i.name, fed.get(i.name) as Tensor])));
      await step.dispose();
      assert.ok(Math.abs(Number(outputs["step/loss"]?.data[0]) - encoder.loss) < 1e-5 * Math.abs(encoder.loss));
      // Keys' biases change nothing: softmax is blind to what all scores share. There both are rounding errors.
      const whole = Math.hypot(...parameters.map((key) => Math.hypot(...floats(known[key]?.gradient as string))));
      for (const { name: key, gradient } of compiled.step.parameters) {
        const [own, theirs] = [outputs[gradient]?.data as Float32Array, floats(known[key]?.gradient as string)];
        const size = Math.max(Math.hypot(...theirs), 1e-3 * whole);
        const off = Math.hypot(...own.map((v, i) => v - (theirs[i] as number)));
        assert.ok(off <= 1e-4 * size, `${key} (${known[key]?.parameter}): ${off / size} of its length`);
      }
      const evaluation = await openSession(compiled.evaluation.graph, { threads: 1 });
      for (const [i, { name: input }] of compiled.evaluation.inputs.entries())
        fed.set(input, fed.get(samplesName(i)) as Tensor);
      const answers = await evaluation.run(
        Object.fromEntries(evaluation.inputs.map((i) => [i.name, fed.get(i.name) as Tensor])),
      );
      await evaluation.dispose();
      const logits = answers.logits?.data as Float32Array;
      for (const [i, v] of encoder.logits.flat().entries()) assert.ok(Math.abs((logits[i] as number) - v) < 1e-4);
    });
