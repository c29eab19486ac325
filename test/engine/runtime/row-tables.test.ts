/** Tables of which a step changes some rows: what counts stays, what does not is taken back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../../../src/engine/runtime/arena.js";
import { RowTables } from "../../../src/engine/runtime/row-tables.js";
import type { BatchArray, ExecutorConfig } from "../../../src/engine/runtime/types.js";

const step = {
  graph: new Uint8Array(0),
  parameters: [],
  buffers: [
    { name: "mean", shape: [2], update: "new mean" },
    { name: "table", shape: [5, 2], update: "new rows", rows: "numbers" },
  ],
  batch: [
    { name: "samples", dtype: "float32", shape: [2, 1] },
    { name: "numbers", dtype: "int64", shape: [2] },
  ],
  masks: [],
  scalars: [],
  losses: [],
} as const;

function made(config = { step } as unknown as ExecutorConfig): { table: Float32Array; tables: RowTables } {
  const arena = new Arena({
    parameters: [],
    buffers: [
      { name: "mean", size: 2, updated: true },
      { name: "table", size: 10, updated: false },
    ],
    moments: 1,
    accumulate: false,
  });
  const table = arena.buffer("table");
  table.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  return { table, tables: new RowTables(config, arena) };
}

const batch = (...rows: bigint[]): BatchArray[] => [new Float32Array(2), BigInt64Array.from(rows)];

test("new rows go to their places; reverted, also over micro-batches that meet the same row; committed, they stay", () => {
  const { table, tables } = made();
  assert.equal(tables.update("mean"), undefined);
  const update = tables.update("table") as Float32Array;
  assert.equal(update.length, 4);
  const apply = (values: number[], ...rows: bigint[]): void => {
    update.set(values);
    tables.apply(batch(...rows));
  };
  apply([10, 11, 12, 13], 3n, 0n);
  assert.deepEqual([...table], [12, 13, 2, 3, 4, 5, 10, 11, 8, 9]);
  apply([20, 21, 22, 23], 0n, 4n);
  assert.deepEqual([...table], [20, 21, 2, 3, 4, 5, 10, 11, 22, 23]);
  tables.revert();
  assert.deepEqual([...table], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  apply([30, 31, 32, 33], 1n, 2n);
  tables.commit();
  tables.revert();
  assert.deepEqual([...table], [0, 1, 30, 31, 32, 33, 6, 7, 8, 9]);
});

test("a row that is not there, and numbers that are not fed, are told", () => {
  const { tables } = made();
  assert.throws(() => tables.apply(batch(1n, 5n)), { where: 'buffer "table"', found: /row 5/, expected: /5/ });
  const without = { step: { ...step, batch: step.batch.slice(0, 1) } } as unknown as ExecutorConfig;
  assert.throws(() => made(without), { where: 'buffer "table"', found: /"numbers"/ });
});
