/** Buffers of which a step changes only the rows of its batch: a table with a row for every sample is too large to copy each step. */
import { sizeOf } from "../graph/tensor.js";
import type { Arena } from "./arena.js";
import { mismatch } from "./faults.js";
import type { BatchArray, ExecutorConfig } from "./types.js";

interface Table {
  readonly name: string;
  /** All rows, in the arena. */
  readonly data: Float32Array;
  readonly width: number;
  /** Place of the rows' numbers among the arrays of a micro-batch. */
  readonly input: number;
  /** Where the step puts the new rows. */
  readonly update: Float32Array;
}

export class RowTables {
  readonly #tables: readonly Table[];
  /** What the rows changed since the last commit were, latest last. */
  #undo: { readonly target: Float32Array; readonly old: Float32Array }[] = [];

  constructor({ step }: ExecutorConfig, arena: Arena) {
    this.#tables = step.buffers.flatMap(({ name, shape, rows }) => {
      if (rows === undefined) return [];
      const input = step.batch.findIndex((b) => b.name === rows);
      const [count] = step.batch[input]?.shape ?? [];
      if (count === undefined) throw mismatch(`buffer "${name}"`, `the step has no batch input "${rows}"`);
      const width = sizeOf(shape.slice(1));
      return [{ name, data: arena.buffer(name), width, input, update: new Float32Array(count * width) }];
    });
  }

  /** Where the step's output for this buffer goes; undefined when all of it changes. */
  update(name: string): Float32Array | undefined {
    return this.#tables.find((t) => t.name === name)?.update;
  }

  /** Puts the new rows in their places. */
  apply(arrays: readonly BatchArray[]): void {
    for (const { name, data, width, input, update } of this.#tables) {
      for (const [i, row] of (arrays[input] as BigInt64Array).entries()) {
        const from = Number(row) * width;
        if (from < 0 || from + width > data.length)
          throw mismatch(`buffer "${name}"`, `row ${row} was to change`, `a row below ${data.length / width}`);
        const target = data.subarray(from, from + width);
        this.#undo.push({ target, old: target.slice() });
        target.set(update.subarray(i * width, (i + 1) * width));
      }
    }
  }

  /** The step counts: its rows stay. */
  commit(): void {
    this.#undo = [];
  }

  /** The step does not count: the rows become what they were. */
  revert(): void {
    for (const { target, old } of this.#undo.reverse()) target.set(old);
    this.#undo = [];
  }
}
