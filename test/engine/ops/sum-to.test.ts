/** The adjoint of broadcasting: sums back to a shape, small and large ones, as float64 sums them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { sumTo } from "../../../src/engine/ops/support.js";
import { Random } from "../../../src/engine/random/random.js";
import { runInOnnxRuntime } from "./support/onnxruntime.js";

const cases: readonly (readonly [readonly number[], readonly number[], string])[] = [
  [[5, 7], [7], "ReduceSum"],
  [[300, 64], [64], "MatMul"],
  [[4, 65, 96], [96], "MatMul"],
  [[40, 30, 20], [30, 20], "MatMul"],
  [[300, 64], [1, 64], "ReduceSum"],
  [[300, 64], [300, 1], "ReduceSum"],
  [[20000], [], "MatMul"],
];

for (const [from, to, op] of cases)
  test(`[${from}] to [${to}] by ${op}`, async () => {
    const b = createBuilder("sum");
    b.output(sumTo(b, b.input("g", "float32", from), to), "sum");
    const graph = b.build();
    assert.ok(graph.nodes.some((n) => n.op === op));
    const random = new Random(1, "g");
    const values = Float32Array.from({ length: sizeOf(from) }, (_, i) => random.uniform(i) - 0.3);
    const found = (await runInOnnxRuntime(graph, new Map([["g", tensor("float32", values, from)]]))).get("sum");
    assert.deepEqual(found?.shape, to);
    const lead = from.length - to.length;
    const expected = new Float64Array(sizeOf(to));
    values.forEach((v, i) => {
      let [rest, at, stride] = [i, 0, 1];
      for (let axis = from.length - 1; axis >= 0; axis--) {
        const index = rest % (from[axis] as number);
        rest = Math.floor(rest / (from[axis] as number));
        const size = axis < lead ? 1 : (to[axis - lead] as number);
        if (size > 1) at += index * stride;
        stride *= size;
      }
      expected[at] = (expected[at] as number) + v;
    });
    const terms = values.length / expected.length;
    expected.forEach((v, i) => {
      const difference = Math.abs(v - (found?.data[i] as number));
      assert.ok(difference < 1e-6 * terms, `${i}: ${found?.data[i]}, expected ${v}`);
    });
  });
