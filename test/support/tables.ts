/** Writes tables into a folder of their own and reads them as a recipe would. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import type { DataFinding } from "../../src/learn/data/findings.js";
import { type DataInput, type LoadedData, loadData } from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-tables-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Path of a file that is not there yet, in a folder of its own. */
let count = 0;
export function pathFor(name: string): string {
  const path = join(folder, String(count++), name);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/** Writes a file and gives its path. */
export function write(name: string, content: string | Uint8Array): string {
  const path = pathFor(name);
  writeFileSync(path, content);
  return path;
}

/** A recipe's data for a table whose label is "kind"; all rows are for training. */
export const table = (path: string, more: object = {}): DataInput =>
  ({
    source: "table",
    path,
    label: "kind",
    split: { validation: 0, test: 0 },
    ...more,
  }) as DataInput;

export const read = (path: string, more: object = {}): Promise<LoadedData> => loadData(table(path, more));

/** Rows of a loaded table, as lists of numbers. */
export function rowsOf({ data }: LoadedData): number[][] {
  const [width = 1] = data.sampleShape;
  return Array.from({ length: data.size }, (_, i) => Array.from(data.samples.subarray(i * width, (i + 1) * width)));
}

/** Names of the classes of each row; "" without a label. */
export function labelsOf({ data }: LoadedData): string[] {
  return Array.from(data.labels ?? [], (l) => data.classes[l] ?? "");
}

export function findingOf({ findings = [] }: LoadedData, code: string): DataFinding | undefined {
  return findings.find((f) => f.code === code);
}

/** The error that reading raises: code and place as given, a word of what was found, and something to do. */
export async function refused(
  reading: Promise<unknown>,
  code: string,
  where: string,
  found: RegExp,
  cure?: RegExp,
): Promise<void> {
  await assert.rejects(reading, (error: { code?: string; where?: string; found?: string; cure?: string }) => {
    assert.deepEqual([error.code, error.where], [code, where], String(error));
    assert.match(error.found ?? "", found);
    if (cure) assert.match(error.cure ?? "", cure);
    assert.ok((error.found ?? "").length < 500, "values are cut");
    return true;
  });
}
