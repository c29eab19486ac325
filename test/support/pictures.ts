/** Image folders for tests: small PNGs of one colour, each of its own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import type { DataInput, LoadedData } from "../../src/index.js";

let drawn = 0;

/** Writes a PNG of 2x2 pixels whose colour no other has. */
export async function picture(file: string): Promise<void> {
  const n = drawn++;
  const background = { r: n & 255, g: (n >> 8) & 255, b: 100 };
  mkdirSync(dirname(file), { recursive: true });
  const bytes = await sharp({ create: { width: 2, height: 2, channels: 3, background } })
    .png()
    .toBuffer();
  writeFileSync(file, bytes);
}

/** Folders with so many pictures each: { "train/cat": 4 }. */
export async function pictures(root: string, folders: Readonly<Record<string, number>>): Promise<string> {
  for (const [folder, count] of Object.entries(folders))
    for (let i = 0; i < count; i++) await picture(join(root, folder, `${String(i).padStart(3, "0")}.png`));
  mkdirSync(root, { recursive: true });
  return root;
}

export const imagesAt = (path: string, more: object = {}): DataInput => ({
  source: "images",
  path,
  size: [2, 2],
  ...more,
});

/** Samples of each part, and the names of the classes in it. */
export const partsOf = ({ data, splits }: LoadedData) =>
  Object.fromEntries(
    Object.entries(splits).map(([part, indices]: [string, Uint32Array]) => [
      part,
      {
        count: indices.length,
        folders: [...new Set(Array.from(indices, (i) => dirname(data.names?.[i] ?? "")))].sort(),
      },
    ]),
  );

export const codesOf = ({ findings = [] }: Pick<LoadedData, "findings">): string[] => findings.map((f) => f.code);
