/** A graph as text: one line for each thing in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { float, int, ints, tensorAttribute, text } from "../../../src/engine/graph/attributes.js";
import { int64s, tensor } from "../../../src/engine/graph/tensor.js";
import { graphLines } from "../../../src/engine/graph/text.js";
import type { Graph, Node } from "../../../src/engine/graph/types.js";

const node = (name: string, op: string, inputs: string[], outputs: string[], more: Partial<Node> = {}): Node => ({
  ...{ name, op, domain: "", inputs, outputs, attributes: {} },
  ...more,
});

test("inputs, initialisers, nodes and outputs, with shapes, and types that are not float32", () => {
  const inner: Graph = { name: "inner", inputs: [], outputs: [], nodes: [], initializers: new Map() };
  const graph: Graph = {
    name: "main",
    inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3, null] }],
    initializers: new Map([
      ["axes", int64s([1, -1])],
      ["tenth", tensor("float32", [0.1], [])],
      ["large", tensor("float32", new Float32Array(9), [3, 3])],
    ]),
    nodes: [
      node("first", "Clip", ["x", "", "tenth"], ["y"]),
      node("second", "Split", ["y", "axes"], ["a", "", "c"], { attributes: { axis: int(1), sizes: ints([2, 1]) } }),
      node("third", "Own", [], ["z"], {
        domain: "some.where",
        attributes: {
          slope: float(Math.fround(0.01)),
          mode: text("line\n"),
          value: tensorAttribute(tensor("float32", [1, 2], [2])),
          body: { kind: "graph", value: inner },
          odd: { kind: "opaque", value: null },
        },
      }),
    ],
    outputs: [{ name: "z", dtype: "bool", shape: null }],
    valueTypes: new Map([
      ["y", { dtype: "float32", shape: [2, 3] }],
      ["a", { dtype: "int64", shape: [] }],
    ]),
  };
  assert.deepEqual(graphLines(graph), [
    "input x [batch, 3, ?]",
    "initializer axes [2] int64 = 1, -1",
    "initializer tenth [] = 0.1",
    "initializer large [3, 3]",
    "first: Clip(x, -, tenth) -> y [2, 3]",
    "second: Split(y, axes; axis=1, sizes=[2, 1]) -> a [] int64, -, c [?]",
    'third: some.where.Own(slope=0.01, mode="line\\n", value=[2] = 1, 2, body=graph of 0 nodes, odd=...) -> z [?] bool',
    "output z [?] bool",
  ]);
});
