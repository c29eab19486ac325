import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { int } from "../../../src/engine/graph/attributes.js";
import { int64s, tensor } from "../../../src/engine/graph/tensor.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { openSession, runOnce } from "../../../src/node/session.js";
import { bytesOf } from "./network.js";

/** picked = table[index] + float(bytes); total = sum of it. */
function model(): Uint8Array {
  const b = createBuilder("pick");
  const bytes = b.input("bytes", "uint8", [1, 2]);
  const index = b.input("index", "int64", [1]);
  const table = b.initializer("table", tensor("float32", [1, 2, 3, 4, 5, 6], [3, 2]));
  const row = b.op("Gather", [table, index], { axis: int(0) }, { name: "pick/gather" });
  const picked = b.op("Add", [row, b.op("Cast", [bytes], { to: int(1) })]);
  b.output(picked, "picked");
  b.output(b.op("ReduceSum", [picked, b.constant(int64s([0, 1]))], { keepdims: int(0) }), "total");
  const graph = b.build();
  const free = <T extends { name: string; shape: readonly unknown[] | null }>(v: T) =>
    v.name === "total" ? v : { ...v, shape: ["batch", ...(v.shape?.slice(1) ?? [])] };
  return bytesOf({
    ...graph,
    inputs: graph.inputs.map(free),
    outputs: graph.outputs.map(free),
    valueTypes: undefined,
  } as typeof graph);
}

const feeds = { bytes: tensor("uint8", [10, 20, 30, 40], [2, 2]), index: int64s([2, 0]) };

test("metadata, feeds of every kind, chosen outputs", async () => {
  const session = await openSession(model(), { threads: 1 });
  assert.deepEqual(session.inputs, [
    { name: "bytes", dtype: "uint8", shape: ["batch", 2] },
    { name: "index", dtype: "int64", shape: ["batch"] },
  ]);
  assert.deepEqual(session.outputs[1], { name: "total", dtype: "float32", shape: [] });
  const all = await session.run(feeds);
  assert.deepEqual(all.picked, { dtype: "float32", shape: [2, 2], data: Float32Array.from([15, 26, 31, 42]) });
  assert.deepEqual(all.total, { dtype: "float32", shape: [], data: Float32Array.from([114]) });
  assert.deepEqual(Object.keys(await session.run(feeds, ["total"])), ["total"]);
  await session.dispose();
  await session.dispose();
  await assert.rejects(session.run(feeds), { name: "RunError", where: "session" });
});

test("files, and a single run", async () => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-session-"));
  try {
    const file = join(folder, "pick.onnx");
    writeFileSync(file, model());
    assert.deepEqual((await runOnce(file, feeds)).total?.data, Float32Array.from([114]));
  } finally {
    rmSync(folder, { recursive: true });
  }
  await assert.rejects(openSession("missing.onnx"), {
    name: "RunError",
    code: "engine-failed",
    where: "missing.onnx",
  });
  await assert.rejects(openSession(new Uint8Array(8)), {
    name: "RunError",
    code: "engine-failed",
    where: "model",
  });
});

test("feeds that do not fit are refused by name, failing nodes are named", async () => {
  const session = await openSession(model());
  const { bytes } = feeds;
  await assert.rejects(session.run({ bytes }), { code: "internal", found: /"index"/, expected: "int64 [batch]" });
  await assert.rejects(session.run({ ...feeds, extra: bytes }), {
    found: /"extra"/,
    expected: 'one of "bytes", "index"',
  });
  await assert.rejects(session.run({ bytes, index: tensor("int32", [0, 1]) }), {
    found: /"index".*int32/,
    expected: "int64",
  });
  await assert.rejects(session.run({ bytes, index: int64s([0, 9]) }), {
    name: "RunError",
    code: "engine-failed",
    where: "model",
    found: /pick\/gather/,
  });
  await session.dispose();
});

test("float16 crosses as bit patterns", async () => {
  const b = createBuilder("half");
  const x = b.input("x", "float16", [3]);
  b.output(b.op("Cast", [x], { to: int(1) }), "wide");
  b.output(b.op("Cast", [b.op("Cast", [x], { to: int(1) })], { to: int(10) }), "half");
  const bits = Uint16Array.from([0x3c00, 0xc100, 0x3555]);
  const results = await runOnce(bytesOf(b.build()), { x: { dtype: "float16", shape: [3], data: bits } });
  assert.deepEqual(results.wide?.data, Float32Array.from([1, -2.5, 0.333251953125]));
  assert.deepEqual(results.half, { dtype: "float16", shape: [3], data: bits });
});
