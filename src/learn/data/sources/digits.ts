/** The embedded digits: 1,797 images of 8x8 pixels with values 0 to 16 (UCI, CC BY 4.0; see data/README.md). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { packageRoot } from "../../../node/package-root.js";
import { z } from "zod";
import type { RawSource } from "../source.js";
import { sourceEntry } from "./entry.js";

export const digitsSource = sourceEntry({
  kind: "digits",
  schema: z.strictObject({ source: z.literal("digits").describe("1,797 8x8 digits that come with limbeck") }),
  starter: { lines: [], student: { kind: "mlp", hidden: [10], activation: "relu" } },
  read: readDigits,
});

const PIXELS = 64;

function readDigits(): RawSource {
  const text = gunzipSync(readFileSync(join(packageRoot(), "data", "digits.csv.gz"))).toString("latin1");
  const rows = text.trimEnd().split("\n");
  const samples = new Uint8Array(rows.length * PIXELS);
  const labels = rows.map((row, i) => {
    const values = row.split(",");
    samples.set(values.slice(0, PIXELS).map(Number), i * PIXELS);
    return (values[PIXELS] as string).trim();
  });
  return {
    name: "digits",
    sampleShape: [1, 8, 8],
    train: { samples, labels },
    test: null,
    origin:
      "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, CC BY 4.0",
    defaultNormalise: "unit",
    unit: 1 / 16,
  };
}
