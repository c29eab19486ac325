/** Samples for a model from files: images, and arrays as .npy, .npz, .csv, .tsv and .json. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname } from "node:path";
import { unzipSync } from "fflate";
import { decodeImage } from "../data/images.js";
import { type NpyArray, parseNpy } from "../data/npy.js";
import { InputError } from "../errors.js";

/** What a model takes. */
export interface SampleShape {
  /** One sample: [C,H,W] for images, else as the model declares it; [F] for a table. */
  readonly shape: readonly number[];
  /** Whether it can be made from an image: C is 1 or 3. */
  readonly image: boolean;
}

export interface FileSamples {
  readonly file: string;
  /** [count, ...shape], row-major. */
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
  if (!existsSync(file)) throw new InputError(file, "no such file");
  if (!statSync(file).isFile()) throw new InputError(file, "it is a folder; give the files in it");
  const kind = extname(file).toLowerCase();
  if (IMAGES.has(kind)) return { file, values: await readImage(file, wanted), count: 1 };
  const values = readArray(file, kind, wanted, key);
  const size = wanted.shape.reduce((p, d) => p * d, 1);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new InputError(file, `value ${bad + 1} is ${values[bad]}; every value must be a finite number`);
  if (values.length === 0 || values.length % size !== 0)
    throw new InputError(
      file,
      `it holds ${values.length} values; the model takes ${size} a sample ([${wanted.shape.join(", ")}]), so their number must be a multiple of ${size}`,
    );
  return { file, values, count: values.length / size };
}

async function readImage(file: string, { shape, image }: SampleShape): Promise<Float32Array> {
  if (!image)
    throw new InputError(
      file,
      `the model takes [${shape.join(", ")}], no image; give its values as .npy, .csv or .json`,
    );
  const [channels, height, width] = shape as [1 | 3, number, number];
  return Float32Array.from(await decodeImage(file, { size: [height, width], channels }));
}

function readArray(file: string, kind: string, wanted: SampleShape, key: string | undefined): Float32Array {
  if (kind === ".json") return fromJson(file);
  if (kind === ".csv" || kind === ".tsv") return fromTable(file, kind === ".tsv" ? "\t" : ",");
  if (kind === ".npy") return fromNumPy(parseNpy(readFileSync(file), file), wanted);
  if (kind === ".npz") return fromNumPy(arrayOf(file, key), wanted);
  throw new InputError(
    file,
    `the ending "${kind}" is not known; images (${[...IMAGES].slice(0, 4).join(", ")} ...), .npy, .npz, .csv, .tsv and .json are`,
  );
}

/** Names a test set's samples often have in an archive. */
const USUAL = ["x_test", "x", "samples", "images", "data"];

function arrayOf(file: string, key: string | undefined): NpyArray {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(readFileSync(file));
  } catch (cause) {
    throw new InputError(file, `not a readable .npz archive (${(cause as Error).message})`, { cause });
  }
  const names = Object.keys(entries).map((n) => n.replace(/\.npy$/, ""));
  const chosen = key ?? (names.length === 1 ? names[0] : USUAL.find((n) => names.includes(n)));
  const bytes = chosen === undefined ? undefined : entries[`${chosen}.npy`];
  if (chosen === undefined || !bytes)
    throw new InputError(
      file,
      `${key === undefined ? "which array is meant is not clear" : `it has no array "${key}"`}; it holds ${names.join(", ")}: say which with --key`,
    );
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
    throw new InputError(file, `it is not valid JSON (${(cause as Error).message})`, { cause });
  }
  const values: number[] = [];
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (typeof value === "number") values.push(value);
    else
      throw new InputError(
        file,
        `it holds ${JSON.stringify(value)?.slice(0, 40)}; expected numbers in lists, one list a sample`,
      );
  };
  collect(parsed);
  return Float32Array.from(values);
}

/** Rows of numbers; a first row without any number is the header. */
function fromTable(file: string, separator: string): Float32Array {
  const rows = readFileSync(file, "utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line, i) => ({ line: i + 1, cells: line.split(separator).map((c) => c.trim().replace(/^"(.*)"$/, "$1")) }))
    .filter(({ cells }) => cells.some((c) => c !== ""));
  const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell));
  if (rows[0] && !rows[0].cells.some(isNumber)) rows.shift();
  const width = rows[0]?.cells.length ?? 0;
  return Float32Array.from(
    rows.flatMap(({ line, cells }) => {
      if (cells.length !== width)
        throw new InputError(file, `line ${line} has ${cells.length} columns, the first row has ${width}`);
      const bad = cells.findIndex((c) => !isNumber(c));
      if (bad >= 0)
        throw new InputError(file, `line ${line}, column ${bad + 1} is "${cells[bad]}"; every column must be a number`);
      return cells.map(Number);
    }),
  );
}
