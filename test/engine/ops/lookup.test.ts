import assert from "node:assert/strict";
import { test } from "node:test";
import { int, text } from "../../../src/engine/graph/attributes.js";
import { scalar } from "../../../src/engine/graph/tensor.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { checkGraph, checkOp, type InputSpec } from "./support/check.js";

const indices = (shape: number[], values: number[]): InputSpec => ({ shape, values, dtype: "int64" });
const known = (shape: number[], values: number[]): InputSpec => ({ shape, values, dtype: "int64", constant: true });

test("GatherND: tuples of any depth, repeated and negative, behind batch dimensions", async () => {
  await checkOp({ op: "GatherND", inputs: [{ shape: [4, 3] }, indices([3, 2], [0, 1, 3, 2, 0, 1])] });
  await checkOp({ op: "GatherND", inputs: [{ shape: [4, 3, 2] }, indices([2, 2, 1], [0, 3, 3, -1])] });
  await checkOp({ op: "GatherND", inputs: [{ shape: [2, 3, 4] }, indices([2], [1, -2])] });
  await checkOp({
    op: "GatherND",
    attributes: { batch_dims: int(1) },
    inputs: [{ shape: [2, 3, 4] }, indices([2, 2, 1], [0, 2, 1, 1])],
  });
});

test("ScatterND: replacing without repeats, adding with them", async () => {
  await checkOp({
    op: "ScatterND",
    inputs: [{ shape: [4, 3] }, indices([2, 1], [2, 0]), { shape: [2, 3] }],
  });
  await checkOp({
    op: "ScatterND",
    inputs: [{ shape: [3, 2, 2] }, indices([3, 2], [0, 1, 2, 0, 1, 1]), { shape: [3, 2] }],
  });
  await checkOp({
    op: "ScatterND",
    attributes: { reduction: text("add") },
    // ONNX Runtime races over repeated indices with more than one thread; one update each keeps it a fair witness.
    inputs: [{ shape: [4, 3] }, indices([2, 1], [-1, 1]), { shape: [2, 3] }],
  });
});

test("ScatterND: other reductions have no gradient rule, and say so", async () => {
  const check = {
    op: "ScatterND",
    attributes: { reduction: text("mul") },
    inputs: [{ shape: [4] }, indices([2, 1], [1, 2]), { shape: [2] }],
  };
  await assert.rejects(checkOp(check), { code: "gradient-missing", found: /"mul"/ });
});

test("TopK: the k best along any axis, with their places, largest or smallest; gradients go back where values came from", async () => {
  const values = [3, 1, 2, 9, 4, 7, -1, -5, 0, 8, 6, 5];
  for (const [axis, k] of [
    [-1, 2],
    [1, 4],
    [0, 1],
    [0, 3],
  ] as const) {
    const { outputs } = await checkOp({
      op: "TopK",
      attributes: { axis: int(axis) },
      inputs: [{ shape: [3, 4], values }, known([1], [k])],
    });
    assert.equal(outputs[0]?.shape[axis === 0 ? 0 : 1], k);
  }
  const { outputs } = await checkOp({
    op: "TopK",
    attributes: { largest: int(0) },
    inputs: [{ shape: [3, 4], values }, known([1], [2])],
  });
  assert.deepEqual([...(outputs[0]?.data ?? [])], [1, 2, -5, -1, 0, 5]);
  assert.deepEqual([...(outputs[1]?.data ?? [])], [1, 2, 3, 2, 0, 3]);
  await checkOp({ op: "TopK", attributes: { axis: int(1) }, inputs: [{ shape: [2, 5, 3] }, known([1], [3])] });
  await assert.rejects(checkOp({ op: "TopK", inputs: [{ shape: [2, 3] }, known([1], [4])] }), {
    code: "model-invalid",
    where: 'node "tested" (TopK)',
    found: /k is 4/,
  });
});

test("OneHot: any axis, negative indices, trainable off and on", async () => {
  const values: InputSpec = { shape: [2] };
  await checkOp({ op: "OneHot", inputs: [indices([4], [0, 2, 1, -1]), known([], [3]), values] });
  await checkOp({
    op: "OneHot",
    attributes: { axis: int(0) },
    inputs: [indices([2, 2], [3, 0, 1, 1]), known([1], [4]), values],
  });
  await checkOp({
    op: "OneHot",
    attributes: { axis: int(1) },
    inputs: [indices([2, 3], [0, 1, 2, 2, 1, 0]), known([], [3]), values],
  });
});

test("Trilu: upper and lower, off the diagonal, batches, no square", async () => {
  for (const upper of [0, 1]) {
    for (const k of [-1, 0, 2]) {
      await checkOp({
        op: "Trilu",
        attributes: { upper: int(upper) },
        inputs: [{ shape: [2, 3, 4] }, known([], [k])],
      });
    }
  }
  await checkOp({ op: "Trilu", inputs: [{ shape: [4, 2] }] });
  assert.throws(
    () => {
      const b = createBuilder("test");
      b.op("Trilu", [b.input("x", "float32", [3])]);
    },
    { code: "model-invalid", found: /1 dimensions/ },
  );
});

test("Range: known bounds fold to numbers; the rest of the graph sees a constant", async () => {
  await checkGraph({
    inputs: [{ shape: [4] }],
    build: (b, [x]) => {
      const bound = (v: number) => b.constant(scalar(v, x?.dtype ?? "float32"));
      return [b.op("Mul", [x as NonNullable<typeof x>, b.op("Range", [bound(5), bound(-3), bound(-2)])])];
    },
  });
  const b = createBuilder("test");
  const bound = (v: number) => b.constant(scalar(v, "int64"));
  assert.deepEqual(b.op("Range", [bound(3), bound(10), bound(3)]).shape, [3]);
  assert.deepEqual(b.op("Range", [bound(3), bound(3), bound(3)]).shape, [0]);
  assert.throws(() => b.op("Range", [bound(3), bound(10), bound(0)]), { code: "model-invalid", found: /step is 0/ });
});

const equations: readonly [string, ...(readonly number[])[]][] = [
  ["ij,jk->ik", [2, 3], [3, 4]],
  ["bij,bjk->bik", [2, 3, 2], [2, 2, 4]],
  ["bhqd,bhkd->bhqk", [2, 2, 3, 4], [2, 2, 2, 4]],
  ["ij->ji", [2, 3]],
  ["ij->i", [2, 3]],
  ["ij->", [2, 3]],
  ["i,j->ij", [3], [2]],
  ["i,i->", [4], [4]],
  ["ij,kj", [2, 3], [4, 3]],
  ["...ij,...jk->...ik", [2, 2, 3], [2, 3, 2]],
  ["a,b,c->abc", [2], [3], [2]],
  ["ab,cd->a", [2, 3], [2, 2]],
];

test("Einsum: contractions, sums, outer products, ellipsis, several operands", async () => {
  for (const [equation, ...shapes] of equations) {
    await checkOp({
      op: "Einsum",
      attributes: { equation: text(equation) },
      inputs: shapes.map((shape) => ({ shape })),
    });
  }
});

test("Einsum: equations that do not fit are refused", () => {
  const build = (equation: string, ...shapes: number[][]): void => {
    const b = createBuilder("test");
    b.op(
      "Einsum",
      shapes.map((s, i) => b.input(`x${i}`, "float32", s)),
      { equation: text(equation) },
    );
  };
  assert.throws(() => build("ij,jk->ik", [2, 3], [4, 5]), { code: "model-invalid", found: /3 and 4/ });
  assert.throws(() => build("ij->ik", [2, 3]), { code: "model-invalid", found: /"ij->ik"/ });
  assert.throws(() => build("ij,jk->ik", [2, 3]), { code: "model-invalid", found: /2 operands/ });
  assert.throws(() => build("i->i", [2, 3]), { code: "model-invalid", found: /operand 0/ });
});
