/** Stochastic depth: what a step multiplies by, its gradients, its expectation, and that nothing of it is left elsewhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import { exportModel } from "../../../src/engine/compile/export.js";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { buildStep, type StepGraphs } from "../../../src/engine/compile/step.js";
import { trainingMode } from "../../../src/engine/compile/training-mode.js";
import type { TrainableModel } from "../../../src/engine/graph/trainable-model.js";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { InputError } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { conv2d, dropPath } from "../../../src/engine/nn/layers.js";
import { ModelScope } from "../../../src/engine/nn/scope.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { Random } from "../../../src/engine/random/random.js";
import { blockSize } from "../../../src/node/block.js";
import { MaskFiller } from "../../../src/engine/runtime/masks.js";
import type { MaskInput } from "../../../src/engine/runtime/types.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { evaluateReference, type RefTensor } from "../ops/support/reference.js";

const block = await blockSize();

interface Case {
  readonly spec: (dropPath: number) => ModelSpec;
  readonly shape: readonly number[];
  readonly tokens?: number;
}

const resnet: Case = { spec: (dropPath) => ({ kind: "resnet", depth: 14, width: 0.25, dropPath }), shape: [1, 8, 8] };
const mobilenet: Case = { spec: (dropPath) => ({ kind: "mobilenet", width: 0.1, dropPath }), shape: [1, 8, 8] };
const vit: Case = {
  spec: (dropPath) => ({ kind: "vit", patch: 2, dim: 6, depth: 2, heads: 2, mlpRatio: 2, dropPath }),
  shape: [1, 4, 4],
};
const text: Case = {
  spec: (dropPath) => ({ kind: "text-encoder", vocabulary: 9, dim: 8, depth: 3, heads: 2, paddingId: 0, dropPath }),
  shape: [5],
  tokens: 9,
};
const cases = { resnet, mobilenet, vit, text };

const modelOf = ({ spec, shape }: Case, rate: number): TrainableModel =>
  trainableModel(buildModel(spec(rate), { inputShape: shape, classes: 3, seed: 2 }));

function stepOf(c: Case, rate: number, batch: number): StepGraphs {
  return buildStep({
    model: modelOf(c, rate),
    batch,
    inputs: [{ shape: c.shape, dtype: c.tokens ? "int64" : "float32" }],
    classes: 3,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
  } as Parameters<typeof buildStep>[0]);
}

test("rates grow linearly up to the last block's; one number a sample (Huang et al. 2016, equation 4)", () => {
  const masks = (c: Case): (readonly [readonly number[], number])[] =>
    stepOf(c, 0.3, 4).masks.map((m) => [m.shape, Number(m.rate.toFixed(6))]);
  assert.deepEqual(
    masks(resnet),
    [0.05, 0.1, 0.15, 0.2, 0.25, 0.3].map((rate) => [[4, 1, 1, 1], rate]),
  );
  // Attention and MLP of a layer have masks of their own at one rate; a sample's tokens are rows.
  assert.deepEqual(
    masks(vit),
    [0.15, 0.15, 0.3, 0.3].map((rate) => [[4, 1], rate]),
  );
  assert.deepEqual(
    masks(text),
    [0.1, 0.1, 0.2, 0.2, 0.3, 0.3].map((rate) => [[4, 1], rate]),
  );
  // At width 1 ten of MobileNetV2's seventeen blocks have a shortcut: 1 + 2 + 3 + 2 + 2.
  const wide: Case = { spec: (dropPath) => ({ kind: "mobilenet", width: 1, dropPath }), shape: [3, 32, 32] };
  const found = masks(wide);
  assert.deepEqual(
    found.map(([, rate]) => rate),
    Array.from({ length: 10 }, (_, i) => Number((0.03 * (i + 1)).toFixed(6))),
  );
  assert.ok(found.every(([shape]) => shape.join() === "4,1,1,1"));
  assert.deepEqual(stepOf(resnet, 0, 4).masks, []);
  assert.throws(() => modelOf(vit, 1), InputError);
});

for (const [name, c] of Object.entries(cases)) {
  test(`${name}: the exported model, byte for byte, is that without stochastic depth`, () => {
    const [dropping, plain] = [modelOf(c, 0.4), modelOf(c, 0)];
    assert.ok(dropping.graph.nodes.some((n) => n.op === "DropPath"));
    assert.deepEqual(dropping.parameters, plain.parameters);
    const bytes = (model: TrainableModel): Uint8Array =>
      writeModel(exportModel(model, new Map(), { normalisation: null, classes: [], producerVersion: "0" }));
    assert.deepEqual(bytes(dropping), bytes(plain));
  });

  test(`${name}: evaluation between steps, too`, () => {
    const evaluation = (rate: number): Uint8Array =>
      compileTraining({
        model: modelOf(c, rate),
        batch: 4,
        inputs: [{ shape: c.shape, dtype: (c.tokens ? "int64" : "float32") as "float32" }],
        classes: 3,
        objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
      }).evaluation.graph;
    assert.deepEqual(evaluation(0.4), evaluation(0));
  });
}

/** The forward pass of training, masks as inputs. */
function trainingForward(model: TrainableModel, shape: readonly number[]): { graph: Graph; masks: MaskInput[] } {
  const b = createBuilder("forward");
  const mode = trainingMode(new Set(model.buffers));
  const [name] = model.inputs as [string];
  const input = b.input(name, model.graph.inputs[0]?.dtype ?? "float32", shape);
  const values = b.inline(model.graph, new Map([[name, input]]), mode.rewrite);
  b.output(values.get(model.output) as NonNullable<ReturnType<typeof values.get>>, "logits");
  return { graph: lowerGraph(b.build()), masks: mode.masks };
}

const numbers = (name: string, shape: readonly number[]): Tensor => {
  const random = new Random(4, name);
  return tensor(
    "float32",
    Array.from({ length: sizeOf(shape) }, (_, i) => 2 * random.uniform(i) - 1),
    shape,
  );
};

/** A copy whose weights of these names are multiplied. */
function scaled(model: TrainableModel, prefix: string, factor: number): TrainableModel {
  const initializers = new Map(
    [...model.graph.initializers].map(([name, t]) => {
      const data = name.startsWith(prefix) ? (t.data as Float32Array).map((v) => v * factor) : t.data;
      return [name, { ...t, data }] as const;
    }),
  );
  return { ...model, graph: { ...model.graph, initializers } };
}

test("a dropped block adds nothing to its sample, a kept one 1 / (1 - rate) of what it would", async () => {
  const one: Case = { ...vit, spec: (dropPath) => ({ ...(vit.spec(dropPath) as object), depth: 1 }) as ModelSpec };
  const shape = [3, 1, 4, 4];
  const samples = numbers("samples", shape);
  const { graph, masks } = trainingForward(modelOf(one, 0.2), shape);
  assert.equal(masks.length, 2);
  const feeds = new Map<string, Tensor>([
    ["input", samples],
    [masks[0]?.name as string, tensor("float32", [0, 1.25, 1.25], [3, 1])],
    [masks[1]?.name as string, tensor("float32", [1.25, 0, 1.25], [3, 1])],
  ]);
  const found = (await runInOnnxRuntime(graph, feeds)).get("logits") as RefTensor;
  // The same without masks: what a block adds is its last dense layer, so factors there are factors of the block.
  const plain = async (attention: number, mlp: number): Promise<RefTensor> => {
    const base = modelOf(one, 0);
    const made = scaled(scaled(base, "layer1/attention/output/", attention), "layer1/mlp/output/", mlp);
    const own = trainingForward(made, shape).graph;
    return (await runInOnnxRuntime(own, new Map([["input", samples]]))).get("logits") as RefTensor;
  };
  const expected = [await plain(0, 1.25), await plain(1.25, 0), await plain(1.25, 1.25)];
  for (let i = 0; i < 3; i++)
    for (let k = 0; k < 3; k++) {
      const [own, other] = [found.data[3 * i + k] as number, expected[i]?.data[3 * i + k] as number];
      assert.ok(Math.abs(own - other) < 1e-5, `sample ${i}, class ${k}: ${own}, expected ${other}`);
    }
  const [a, b] = [expected[0]?.data ?? [], expected[2]?.data ?? []];
  assert.ok(Math.abs((a[0] as number) - (b[0] as number)) > 1e-3, "the block makes a difference");
});

test("the expectation over masks is the inference form", async () => {
  const [N, rate] = [20000, 0.3];
  const scope = new ModelScope(createBuilder("block"), { seed: 1, initialiser: "pytorch" });
  const x = scope.builder.input("x", "float32", [1, 2, 3, 3]);
  const inner = conv2d(scope, x, 2);
  scope.builder.output(scope.builder.op("Add", [x, dropPath(scope, inner, rate)]), "y");
  scope.builder.output(inner, "inner");
  const graph = scope.builder.build();
  const one = numbers("x", [1, 2, 3, 3]);
  const inference = await runInOnnxRuntime(lowerGraph(graph), new Map([["x", one]]));
  const b = createBuilder("training");
  const mode = trainingMode(new Set());
  const many = b.input("x", "float32", [N, 2, 3, 3]);
  b.output(b.inline(graph, new Map([["x", many]]), mode.rewrite).get("y") as typeof many, "y");
  const [mask] = mode.masks as [MaskInput];
  const drawn = new Float32Array(N);
  new MaskFiller(11, mask.stream, mask.rate).fill(drawn, 0);
  const feeds = new Map([
    [
      "x",
      tensor(
        "float32",
        Array.from({ length: N * 18 }, (_, i) => one.data[i % 18] as number),
        [N, 2, 3, 3],
      ),
    ],
    [mask.name, tensor("float32", drawn, mask.shape)],
  ]);
  const y = (await runInOnnxRuntime(b.build(), feeds)).get("y")?.data as Float64Array;
  const [expected, added] = [inference.get("y")?.data, inference.get("inner")?.data] as [Float64Array, Float64Array];
  for (let k = 0; k < 18; k++) {
    let mean = 0;
    for (let i = 0; i < N; i++) mean += (y[18 * i + k] as number) / N;
    // A kept share of 1 - rate, over 1 - rate: its standard error times what is added.
    const deviation = Math.sqrt(rate / (1 - rate) / N) * Math.abs(added[k] as number);
    assert.ok(Math.abs(mean - (expected[k] as number)) < 4 * deviation + 1e-6, `element ${k}: ${mean}`);
  }
  for (let i = 0; i < 100; i++) {
    const of = (k: number): number => ((y[18 * i + k] as number) - (one.data[k] as number)) / (added[k] as number);
    const factor = drawn[i] as number;
    for (let k = 0; k < 18; k++) assert.ok(Math.abs(of(k) - factor) < 1e-3, `sample ${i}, element ${k}`);
  }
});

/** Everything a step is fed, drawn by name; masks as they are drawn in training. */
function feedsOf({ step, masks }: StepGraphs, tokens: number | undefined): Map<string, RefTensor> {
  return new Map(
    step.inputs.map(({ name, dtype, shape }) => {
      const dims = shape as number[];
      const data = Float64Array.from(numbers(name, dims).data as Float32Array);
      const mask = masks.find((m) => m.name === name);
      if (mask) {
        const drawn = new Float32Array(sizeOf(dims));
        new MaskFiller(5, mask.stream, mask.rate).fill(drawn, 0);
        data.set(drawn);
      } else if (name === "step/labels")
        data.forEach((_, i) => {
          data[i] = i % 3;
        });
      else if (dtype === "int64")
        data.forEach((v, i) => {
          data[i] = Math.floor(((v + 1) / 2) * (tokens ?? 1));
        });
      else if (name.includes("variance") || name.startsWith("step/scalar"))
        data.forEach((v, i) => {
          data[i] = 1 + v / 2;
        });
      return [name, { dtype, shape: dims, data }];
    }),
  );
}

for (const [name, c, tolerance] of [
  ["vit", vit, 1e-6],
  ["text", text, 1e-6],
  // Batch norms over few values, and a step of finite differences may cross the kink of a ReLU.
  ["resnet", { ...resnet, spec: (dropPath: number) => ({ kind: "resnet", depth: 8, width: 0.125, dropPath }) }, 1e-4],
] as [string, Case, number][]) {
  test(`${name}: gradients through the masks equal finite differences in float64`, () => {
    const graphs = stepOf(c, 0.5, 4);
    const lowered = lowerGraph(graphs.step);
    const feeds = feedsOf(graphs, c.tokens);
    const drawn = graphs.masks.flatMap((m) => [...(feeds.get(m.name)?.data ?? [])]);
    assert.ok(drawn.includes(0) && drawn.some((v) => v > 1), "some dropped, some kept");
    const values = evaluateReference(lowered, feeds);
    const needed = new Set(["step/loss"]);
    const nodes = lowered.nodes.toReversed().filter((n) => {
      if (!n.outputs.some((o) => needed.has(o))) return false;
      for (const i of n.inputs) needed.add(i);
      return true;
    });
    const forward = { ...lowered, nodes: nodes.reverse() };
    for (const p of graphs.parameters) {
      const { data } = feeds.get(p.name) as RefTensor;
      const gradient = values.get(p.gradient)?.data as Float64Array;
      for (const k of new Set([0, data.length >> 1, data.length - 1])) {
        const kept = data[k] as number;
        const lossAt = (value: number): number => {
          (data as Float64Array)[k] = value;
          const loss = evaluateReference(forward, feeds).get("step/loss")?.data[0] as number;
          (data as Float64Array)[k] = kept;
          return loss;
        };
        const difference = (lossAt(kept + 1e-5) - lossAt(kept - 1e-5)) / 2e-5;
        const found = gradient[k] as number;
        const error = Math.abs(found - difference) / Math.max(1, Math.abs(difference));
        assert.ok(error < tolerance, `${p.name}[${k}]: ${found}, finite differences give ${difference}`);
      }
    }
  });
}

test("dropout in lenet and resnet: after the hidden dense layers, before the classifier; gone in the export", () => {
  for (const [spec, shapes] of [
    [
      { kind: "lenet", dropout: 0.25 },
      [
        [4, 120],
        [4, 84],
      ],
    ],
    [{ kind: "resnet", depth: 8, width: 0.5, dropout: 0.25 }, [[4, 32]]],
  ] as const) {
    const c: Case = { spec: (dropout) => ({ ...spec, dropout }) as ModelSpec, shape: [1, 28, 28] };
    const { masks } = stepOf(c, 0.25, 4);
    assert.deepEqual(
      masks.map((m) => [m.shape, m.rate]),
      shapes.map((shape) => [shape, 0.25]),
    );
    const exported = (rate: number): Uint8Array =>
      writeModel(exportModel(modelOf(c, rate), new Map(), { normalisation: null, classes: [], producerVersion: "0" }));
    assert.deepEqual(exported(0.25), exported(0));
  }
});

test("blocked layouts are not left for it", { skip: block === undefined }, () => {
  const moves = (rate: number): number =>
    lowerGraph(
      stepOf({ ...resnet, shape: [3, 16, 16], spec: (dropPath) => ({ kind: "resnet", depth: 8, dropPath }) }, rate, 16)
        .step,
      {
        blocked: block as number,
      },
    ).nodes.filter((n) => n.op === "ReorderInput" || n.op === "ReorderOutput").length;
  assert.equal(moves(0.3), moves(0));
});
