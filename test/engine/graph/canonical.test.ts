/** Old forms of ops brought to the canonical opset: ONNX Runtime runs the old model and the new one, answers must be equal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { float, int, ints } from "../../../src/engine/graph/attributes.js";
import { canonicalGraph } from "../../../src/engine/graph/canonical.js";
import { irVersionFor } from "../../../src/engine/graph/opsets.js";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import {
  type Attributes,
  CANONICAL_OPSET,
  type Graph,
  type Model,
  type Tensor,
} from "../../../src/engine/graph/types.js";
import { verifyGraph } from "../../../src/engine/graph/verify.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { openSession } from "../../../src/node/session.js";

interface Case {
  readonly op: string;
  readonly opsets: readonly number[];
  readonly attributes?: Attributes;
  readonly extra?: Readonly<Record<string, Tensor>>;
  readonly outputs?: number;
  readonly shape?: readonly number[];
  /** Whether the file says the shape of the input (it then is of rank 3 for every model below). */
  readonly ranked?: boolean;
}

const int64 = (...values: number[]): Tensor => tensor("int64", values);
const reductions = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(
    reductions.flatMap((kind) => [
      [
        `Reduce${kind} over axes`,
        { op: `Reduce${kind}`, opsets: [7, 11, 13, 17], attributes: { axes: ints([0, -1]) } },
      ],
      [`Reduce${kind} over all`, { op: `Reduce${kind}`, opsets: [7, 13], attributes: { keepdims: int(0) } }],
    ]),
  ),
  "ReduceSum over an axis": { op: "ReduceSum", opsets: [7, 11, 12], attributes: { axes: ints([1]), keepdims: int(0) } },
  Squeeze: { op: "Squeeze", opsets: [7, 11], attributes: { axes: ints([1]) }, shape: [2, 1, 3] },
  "Squeeze of every 1": { op: "Squeeze", opsets: [7, 11, 13], shape: [1, 1, 3] },
  Unsqueeze: { op: "Unsqueeze", opsets: [7, 11], attributes: { axes: ints([0, 2]) } },
  "Split by sizes": { op: "Split", opsets: [7, 11], attributes: { axis: int(2), split: ints([1, 3]) }, outputs: 2 },
  "Split in equal parts": { op: "Split", opsets: [7, 11, 13, 17], attributes: { axis: int(2) }, outputs: 2 },
  "Split by a tensor of sizes": {
    op: "Split",
    opsets: [13, 17],
    attributes: { axis: int(2) },
    extra: { sizes: int64(3, 1) },
    outputs: 2,
  },
  "Softmax over the default": { op: "Softmax", opsets: [7, 11, 12] },
  "Softmax, default, rank unknown": { op: "Softmax", opsets: [7, 12], ranked: false },
  "Softmax over the last": { op: "Softmax", opsets: [7, 12], attributes: { axis: int(2) } },
  "Softmax over -1": { op: "Softmax", opsets: [11, 12], attributes: { axis: int(-1) } },
  "LogSoftmax over all": { op: "LogSoftmax", opsets: [7, 12], attributes: { axis: int(0) } },
  "LogSoftmax over -2": { op: "LogSoftmax", opsets: [11, 12], attributes: { axis: int(-2) } },
  Slice: { op: "Slice", opsets: [7, 9], attributes: { starts: ints([1, -3]), ends: ints([3, 9]), axes: ints([1, 2]) } },
  "Slice without axes": { op: "Slice", opsets: [9], attributes: { starts: ints([0, 1]), ends: ints([1, 3]) } },
  Pad: { op: "Pad", opsets: [7, 10], attributes: { pads: ints([0, 1, 0, 0, 0, 2]), value: float(0.5) } },
  "Pad by reflection": {
    op: "Pad",
    opsets: [10],
    attributes: { pads: ints([0, 1, 0, 0, 0, 2]), mode: { kind: "string", value: "reflect" } },
  },
  Clip: { op: "Clip", opsets: [7, 10], attributes: { min: float(0.25), max: float(0.75) } },
  "Clip from below": { op: "Clip", opsets: [7, 10], attributes: { min: float(0.5) } },
  TopK: { op: "TopK", opsets: [7, 9], attributes: { k: int(2), axis: int(1) }, outputs: 2 },
  Dropout: { op: "Dropout", opsets: [7, 10, 11], attributes: { ratio: float(0.3) } },
  BatchNormalization: {
    op: "BatchNormalization",
    opsets: [7, 8, 9, 13],
    attributes: { epsilon: float(0.01) },
    extra: {
      scale: tensor("float32", [1, 2, 3]),
      bias: tensor("float32", [0, -1, 1]),
      mean: tensor("float32", [0.5, 0.25, 0]),
      variance: tensor("float32", [1, 0.5, 2]),
    },
  },
};

function modelOf(c: Case, opset: number): Model {
  const shape = c.shape ?? [2, 3, 4];
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  const graph: Graph = {
    name: "old",
    inputs: [{ name: "x", dtype: "float32", shape: c.ranked === false ? null : shape }],
    outputs: outputs.map((name, i) => ({ name, dtype: c.op === "TopK" && i === 1 ? "int64" : "float32", shape: null })),
    nodes: [
      {
        name: "the/node",
        op: c.op,
        domain: "",
        inputs: ["x", ...Object.keys(c.extra ?? {})],
        outputs,
        attributes: c.attributes ?? {},
      },
    ],
    initializers: new Map(Object.entries(c.extra ?? {})),
  };
  return { graph, opsets: { "": opset }, irVersion: irVersionFor(opset), metadata: {} };
}

async function answers(model: Model, shape: readonly number[]): Promise<Record<string, Tensor>> {
  const session = await openSession(writeModel(model), { threads: 1 });
  try {
    const size = sizeOf(shape);
    const data = Float32Array.from({ length: size }, (_, i) => ((i * 7 + 3) % 11) / 11 + 0.01);
    return await session.run({ x: { dtype: "float32", shape, data } });
  } finally {
    await session.dispose();
  }
}

for (const [name, c] of Object.entries(cases)) {
  test(`${name}, opset ${c.opsets.join(", ")}`, async () => {
    for (const opset of c.opsets) {
      const old = modelOf(c, opset);
      const graph = canonicalGraph(old, "old.onnx");
      verifyGraph(graph);
      assert.equal(graph.nodes.at(-1)?.name, "the/node");
      const shape = c.shape ?? [2, 3, 4];
      const expected = await answers(old, shape);
      const found = await answers(
        { ...old, graph, opsets: { "": CANONICAL_OPSET }, irVersion: irVersionFor(CANONICAL_OPSET) },
        shape,
      );
      for (const y of Object.keys(expected)) {
        assert.deepEqual(found[y]?.shape, expected[y]?.shape, `${y} at opset ${opset}`);
        assert.deepEqual(found[y]?.data, expected[y]?.data, `${y} at opset ${opset}`);
      }
    }
  });
}

test("a model in the canonical opset stays as it is", () => {
  const c: Case = { op: "Softmax", opsets: [], attributes: { axis: int(1) } };
  const model = modelOf(c, CANONICAL_OPSET);
  assert.deepEqual(canonicalGraph(model, "x.onnx").nodes, model.graph.nodes);
});

test("what has no equal is refused with the node and what to do", () => {
  const refused = (c: Case, opset: number, found: RegExp, rest: { cure?: RegExp; expected?: RegExp } = {}): void => {
    assert.throws(() => canonicalGraph(modelOf(c, opset), "old.onnx"), {
      name: "InputError",
      code: "model-unsupported",
      where: "old.onnx",
      found,
      ...rest,
    });
  };
  const norm = cases.BatchNormalization as Case;
  refused({ ...norm, attributes: { spatial: int(0) } }, 8, /the\/node.*spatial/, { cure: /newer opset/ });
  refused({ ...norm, outputs: 5 }, 9, /the\/node.*training form/, { cure: /inference/ });
  refused({ op: "Relu", opsets: [] }, 6, /opset 6/, { expected: /opset 7 to/ });
  refused({ op: "Relu", opsets: [] }, 99, /opset 99/);
});
