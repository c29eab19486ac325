/** metrics.jsonl: one JSON object a line, appended as training goes, cut back to the checkpoint on resume. */
import { closeSync, existsSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

export class MetricsLog {
  readonly #file: number | null;
  #bytes: number;

  /** @param keep bytes of an earlier session to keep; 0 starts afresh */
  constructor(directory: string | null, keep: number) {
    this.#bytes = keep;
    if (directory === null) {
      this.#file = null;
      return;
    }
    const path = join(directory, "metrics.jsonl");
    this.#file = openSync(path, existsSync(path) ? "r+" : "w+");
    this.#bytes = Math.min(keep, statSync(path).size);
    ftruncateSync(this.#file, this.#bytes);
  }

  /** Bytes written so far, kept ones included. */
  get bytes(): number {
    return this.#bytes;
  }

  append(records: readonly object[]): void {
    if (this.#file === null || records.length === 0) return;
    const text = Buffer.from(records.map((r) => `${JSON.stringify(r)}\n`).join(""));
    writeSync(this.#file, text, 0, text.length, this.#bytes);
    this.#bytes += text.length;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}
