/** Digits and a teacher for them, as a browser would be given them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Distiller, fromArrays } from "../../src/index.js";

export interface Digits {
  readonly samples: number[][];
  readonly labels: number[];
}

/** The first so many embedded digits, in [0, 1]. */
export function digits(count: number): Digits {
  const rows = gunzipSync(readFileSync("data/digits.csv.gz")).toString("latin1").trimEnd().split("\n").slice(0, count);
  const numbers = rows.map((row) => row.split(",").map(Number));
  return {
    samples: numbers.map((row) => row.slice(0, 64).map((v) => v / 16)),
    labels: numbers.map((row) => row[64] as number),
  };
}

/** An ONNX teacher that knows these digits. */
export async function teacherFor({ samples, labels }: Digits): Promise<Uint8Array> {
  const data = fromArrays({ samples, labels, sampleShape: [1, 8, 8] });
  const alone = new Distiller({ teacher: "none.onnx", student: { kind: "mlp", hidden: [32] }, threads: 1 });
  alone.compile({ alpha: 0, learningRate: 0.005 });
  await alone.fit(data, { epochs: 10, batchSize: 32 });
  const { bytes } = alone.student;
  await alone.dispose();
  return bytes;
}

/** Calls with a folder that is gone afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-web-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
