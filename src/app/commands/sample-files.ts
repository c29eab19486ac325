/** Samples for a model from files: images, and arrays as .npy, .npz, .csv, .tsv and .json. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { unzipSync } from "fflate";
import { checkFile } from "../../learn/data/sources/files.js";
import { decodeImage } from "../../learn/data/sources/images.js";
import { type NpyArray, parseNpy } from "../../learn/data/sources/npy.js";
import { isMissingNumber } from "../../learn/data/sources/table/numbers.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import { sizeOf } from "../../engine/graph/tensor.js";

/** What a model takes. */
export interface SampleShape {
  /** One sample: [C,H,W] for images, else as the model declares it; [F] for a table. */
  readonly shape: readonly number[];
  /** Whether it can be made from an image: C is 1 or 3. */
  readonly image: boolean;
  /** Whether values may be missing, because the model replaces them. */
  readonly gaps?: boolean;
}

export interface FileSamples {
  readonly file: string;
  /** [count, ...shape], row-major; NaN where a value is missing. */
  readonly values: Float32Array;
  readonly count: number;
}

const IMAGES = new Set([".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".tif", ".tiff"]);

/**
 * Reads one file as samples of this shape: an image is one sample (resized, pixels 0 to 255), an array may hold many.
 * @param key array of an .npz archive; default the only one, or x_test, x, samples
 * @throws InputError naming the file, what it holds and what the model takes
 */
export async function readSamples(file: string, wanted: SampleShape, key?: string): Promise<FileSamples> {
  checkFile(file, "an image or an array");
  const kind = extname(file).toLowerCase();
  if (IMAGES.has(kind)) return { file, values: await readImage(file, wanted), count: 1 };
  const values = readArray(file, kind, wanted, key);
  const size = sizeOf(wanted.shape);
  if (values.length === 0 || values.length % size !== 0)
    throw new InputError({
      code: "array-mismatch",
      where: file,
      found: `it holds ${noun(values.length, "value")}`,
      expected: `a multiple of ${size}, because one sample of the model is [${wanted.shape.join(", ")}]`,
      cure: "Give whole samples, with the features in the order of the training data and no other column",
    });
  refuseGaps(file, values, wanted);
  return { file, values, count: values.length / size };
}

function refuseGaps(file: string, values: Float32Array, { shape, gaps = false }: SampleShape): void {
  const bad = values.findIndex((v) => !Number.isFinite(v) && !(gaps && Number.isNaN(v)));
  if (bad < 0) return;
  const size = sizeOf(shape);
  const [sample, value] = [Math.floor(bad / size), values[bad] as number];
  const missing = Number.isNaN(value);
  throw new InputError({
    code: missing ? "value-missing" : "not-finite",
    where: file,
    found: `value ${(bad % size) + 1} of sample ${sample + 1} is ${missing ? "missing" : value}`,
    expected: "a finite number",
    cure: missing
      ? "Fill the gap, or use a model trained with data.missing: mean, which replaces missing values itself"
      : "Correct the value",
  });
}

async function readImage(file: string, { shape, image }: SampleShape): Promise<Float32Array> {
  if (!image)
    throw new InputError({
      code: "model-input",
      where: file,
      found: `it is an image, and the model takes [${shape.join(", ")}]`,
      cure: "Give its values as .npy, .csv or .json",
    });
  const [channels, height, width] = shape as [1 | 3, number, number];
  return Float32Array.from(await decodeImage(file, { size: [height, width], channels }));
}

function readArray(file: string, kind: string, wanted: SampleShape, key: string | undefined): Float32Array {
  if (kind === ".json") return fromJson(file);
  if (kind === ".csv" || kind === ".tsv") return fromTable(file, kind === ".tsv" ? "\t" : ",", wanted.shape);
  if (kind === ".npy") return fromNumPy(parseNpy(readFileSync(file), file), wanted);
  if (kind === ".npz") return fromNumPy(arrayOf(file, key), wanted);
  throw new InputError({
    code: "file-type",
    where: file,
    found: `its ending is ${quote(kind)}`,
    expected: `an image (${[...IMAGES].slice(0, 4).join(", ")} ...), .npy, .npz, .csv, .tsv or .json`,
  });
}

/** Names a test set's samples often have in an archive. */
const USUAL = ["x_test", "x", "samples", "images", "data"];

/** The entries of an .npz archive by the names of the arrays. @throws InputError when it is none */
export function archiveOf(file: string): ReadonlyMap<string, Uint8Array> {
  try {
    const entries = Object.entries(unzipSync(readFileSync(file)));
    return new Map(entries.map(([name, bytes]) => [name.replace(/\.npy$/, ""), bytes]));
  } catch (cause) {
    throw new InputError(
      {
        code: "file-damaged",
        where: file,
        found: `it cannot be read as an .npz archive (${(cause as Error).message})`,
        cure: "Write the file again",
      },
      { cause },
    );
  }
}

function arrayOf(file: string, key: string | undefined): NpyArray {
  const entries = archiveOf(file);
  const names = [...entries.keys()];
  const chosen = key ?? (names.length === 1 ? names[0] : USUAL.find((n) => names.includes(n)));
  const bytes = chosen === undefined ? undefined : entries.get(chosen);
  if (chosen === undefined || !bytes)
    throw new InputError({
      code: "option-missing",
      where: file,
      found: key === undefined ? `it holds ${noun(names.length, "array")}` : `it has no array ${quote(key)}`,
      expected: `one of ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", ..." : ""}`,
      cure: "Choose one with --key",
    });
  return parseNpy(bytes, `${file}: ${chosen}`);
}

/** Row-major values; images as [.., H, W, C] are turned into [.., C, H, W] when the model's input says so. */
function fromNumPy({ shape: found, data }: NpyArray, { shape, image }: SampleShape): Float32Array {
  const [c = 1, h = 1, w = 1] = shape;
  const turned =
    image && c > 1 && found.slice(-3).join() === [h, w, c].join() && found.slice(-3).join() !== shape.join();
  if (!turned) return Float32Array.from(data);
  const plane = h * w;
  return Float32Array.from({ length: data.length }, (_, i) => {
    const [n, rest] = [Math.floor(i / (c * plane)), i % (c * plane)];
    return data[n * c * plane + (rest % plane) * c + Math.floor(rest / plane)] as number;
  });
}

/** Numbers nested in lists to any depth. */
function fromJson(file: string): Float32Array {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new InputError(
      {
        code: "file-damaged",
        where: file,
        found: `it is not valid JSON (${(cause as Error).message})`,
        cure: "Correct the file",
      },
      { cause },
    );
  }
  const values: number[] = [];
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (typeof value === "number") values.push(value);
    else if (value === null) values.push(Number.NaN);
    else
      throw new InputError({
        code: "row-invalid",
        where: file,
        found: `it holds ${quote(value)}`,
        expected: "numbers in lists, one list per sample",
      });
  };
  collect(parsed);
  return Float32Array.from(values);
}

/** Rows of numbers, with NaN for missing ones; a first row of other texts is the header. */
function fromTable(file: string, separator: string, shape: readonly number[]): Float32Array {
  const rows = readFileSync(file, "utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line, i) => ({ line: i + 1, cells: line.split(separator).map((c) => c.trim().replace(/^"(.*)"$/, "$1")) }))
    .filter(({ cells }) => cells.length > 1 || cells[0] !== "");
  const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell));
  const isName = (cell: string): boolean => !isNumber(cell) && !isMissingNumber(cell);
  if (rows[0]?.cells.some(isName) && !rows[0].cells.some(isNumber)) rows.shift();
  const width = rows[0]?.cells.length ?? 0;
  refuseOtherWidth(file, width, shape);
  return Float32Array.from(
    rows.flatMap(({ line, cells }) => {
      const bad = cells.length === width ? cells.find(isName) : undefined;
      if (cells.length === width && bad === undefined)
        return cells.map((cell) => (isMissingNumber(cell) ? Number.NaN : Number(cell)));
      throw new InputError({
        code: "row-invalid",
        where: file,
        found:
          bad === undefined
            ? `line ${line} has ${noun(cells.length, "column")}`
            : `line ${line}, column ${cells.indexOf(bad) + 1} is ${quote(bad)}`,
        expected: bad === undefined ? `${width}, as in the first row` : "a number",
      });
    }),
  );
}

/** A row is a sample, or a row of an image; rows of another width would shift all values that follow. */
function refuseOtherWidth(file: string, width: number, shape: readonly number[]): void {
  const size = sizeOf(shape);
  if (width === 0 || (shape.length === 1 ? width === size : size % width === 0)) return;
  throw new InputError({
    code: "array-mismatch",
    where: file,
    found: `its rows have ${noun(width, "column")}`,
    expected: `${size}, because one sample of the model is [${shape.join(", ")}]`,
    cure: "Give the features alone, in the order of the training data",
  });
}
