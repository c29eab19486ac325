import assert from "node:assert/strict";
import { test } from "node:test";
import { float, floats, int, ints, tensorAttribute } from "../../../src/engine/graph/attributes.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { int64s, numbersOf, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import type { Attributes, Tensor } from "../../../src/engine/graph/types.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";

/** The folded value of an op on known tensors; undefined when a node is left. */
function fold(op: string, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor | undefined {
  const b = createBuilder();
  const out: Value = b.op(
    op,
    inputs.map((t, i) => b.initializer(`in${i}`, t)),
    attributes,
  );
  const known = b.constantOf(out);
  if (known) assert.equal(b.calls.length, 0);
  return known;
}

const bigs = (t: Tensor | undefined): bigint[] => [...(t as Tensor & { data: BigInt64Array }).data];
const values = (t: Tensor | undefined): number[] | undefined => t && numbersOf(t);

test("integer arithmetic folds, with broadcasting and truncating division", () => {
  assert.deepEqual(values(fold("Add", [int64s([1, 2, 3]), int64s([10])])), [11, 12, 13]);
  assert.deepEqual(values(fold("Sub", [int64s([1, 2]), scalar(5, "int64")])), [-4, -3]);
  assert.deepEqual(values(fold("Mul", [tensor("int32", [2, 3], [2, 1]), tensor("int32", [5, 7])])), [10, 14, 15, 21]);
  assert.deepEqual(values(fold("Div", [int64s([7, -7, 7, -7]), int64s([2, 2, -2, -2])])), [3, -3, -3, 3]);
  assert.deepEqual(values(fold("Div", [tensor("int32", [7, -7]), tensor("int32", [2])])), [3, -3]);
  assert.deepEqual(values(fold("Mod", [int64s([7, -7, 7, -7]), int64s([3, 3, -3, -3])])), [1, 2, -2, -1]);
  assert.deepEqual(values(fold("Neg", [int64s([4, -2])])), [-4, 2]);
  assert.deepEqual(values(fold("Max", [int64s([4, -2]), int64s([1, 1]), int64s([3, 0])])), [4, 1]);
  assert.deepEqual(values(fold("Min", [int64s([4, -2]), int64s([1, 1])])), [1, -2]);
  assert.deepEqual(fold("Add", [scalar(1, "int64"), scalar(2, "int64")])?.shape, []);
});

test("int64 beyond 2^53 survives: 2^63 - 1 means 'to the end'", () => {
  const end: Tensor = { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 63n - 1n) };
  const zero = int64s([0]);
  assert.deepEqual(bigs(fold("Add", [end, zero])), [2n ** 63n - 1n]);
  assert.deepEqual(bigs(fold("Identity", [end])), [2n ** 63n - 1n]);
  assert.deepEqual(bigs(fold("Max", [end, zero])), [2n ** 63n - 1n]);
  const yes = tensor("bool", [1]);
  assert.deepEqual(bigs(fold("Where", [yes, end, zero])), [2n ** 63n - 1n]);
});

test("a float that is no integer is not cast while building", () => {
  assert.equal(fold("Cast", [scalar(Number.POSITIVE_INFINITY)], { to: int(7) }), undefined);
});

test("integer division by zero is left in the graph", () => {
  assert.equal(fold("Div", [int64s([1]), int64s([0])]), undefined);
  assert.equal(fold("Mod", [int64s([1]), int64s([0])]), undefined);
});

test("Where, Equal, Cast: the -1 of a Reshape target", () => {
  const shape = int64s([2, -1, 4]);
  const b = createBuilder();
  const known = b.initializer("shape", shape);
  const minus = b.constant(int64s([-1]));
  const one = b.constant(int64s([1]));
  const out = b.op("Where", [b.op("Equal", [known, minus]), one, known]);
  assert.deepEqual(values(b.constantOf(out)), [2, 1, 4]);
});

test("Cast truncates towards zero and makes bools of what is not zero", () => {
  assert.deepEqual(values(fold("Cast", [tensor("float32", [1.9, -1.9])], { to: int(7) })), [1, -1]);
  assert.deepEqual(values(fold("Cast", [int64s([0, 5])], { to: int(9) })), [0, 1]);
  assert.deepEqual(values(fold("Cast", [tensor("bool", [1, 0])], { to: int(7) })), [1, 0]);
  assert.deepEqual(values(fold("Cast", [int64s([3])], { to: int(1) })), [3]);
  assert.deepEqual(values(fold("CastLike", [int64s([3]), scalar(1, "int32")])), [3]);
});

test("a size computed in floats, as interpolation exports do: int(floor(float(7) * 2.5)) = 17", () => {
  const b = createBuilder();
  const size = b.op("Cast", [b.constant(int64s([7]))], { to: int(1) });
  const scaled = b.op("Floor", [b.op("Mul", [size, b.constant(scalar(2.5))])]);
  assert.deepEqual(values(b.constantOf(b.op("Cast", [scaled], { to: int(7) }))), [17]);
  assert.equal(b.calls.length, 0);
});

test("weights are never folded away: float matrices and long float vectors stay", () => {
  const matrix = tensor("float32", [1, 2, 3, 4], [2, 2]);
  assert.equal(fold("Add", [matrix, scalar(1)]), undefined);
  const long = tensor("float32", new Float32Array(64));
  assert.equal(fold("Mul", [long, long]), undefined);
  assert.equal(fold("Cast", [int64s([...Array(20).keys()])], { to: int(1) }), undefined);
});

test("Constant in all its forms", () => {
  assert.deepEqual(fold("Constant", [], { value: tensorAttribute(int64s([3, 4])) })?.shape, [2]);
  assert.deepEqual(values(fold("Constant", [], { value_ints: ints([3, 4]) })), [3, 4]);
  assert.deepEqual(values(fold("Constant", [], { value_int: int(3) })), [3]);
  assert.deepEqual(values(fold("Constant", [], { value_float: float(0.5) })), [0.5]);
  assert.deepEqual(values(fold("Constant", [], { value_floats: floats([0.5, 2]) })), [0.5, 2]);
  assert.throws(() => createBuilder().op("Constant", []), { code: "model-invalid", expected: /a tensor/ });
});

test("reductions of an integer vector fold: the number of elements of a shape", () => {
  assert.deepEqual(values(fold("ReduceProd", [int64s([2, 3, 4])], { keepdims: int(0) })), [24]);
  assert.deepEqual(fold("ReduceProd", [int64s([2, 3, 4])], { keepdims: int(0) })?.shape, []);
  assert.deepEqual(fold("ReduceSum", [int64s([2, 3, 4]), int64s([0])])?.shape, [1]);
  assert.deepEqual(values(fold("ReduceMax", [int64s([2, 9, 4]), int64s([0])])), [9]);
  assert.deepEqual(values(fold("ReduceMin", [int64s([2, 9, 4]), int64s([-1])])), [2]);
});
