/** IDX files (LeCun's MNIST format), plain or gzipped. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { InputError } from "../errors.js";
import type { IdxConfig } from "./config.js";
import type { RawPart, RawSource, SourceContext } from "./source.js";

const NAMES = {
  images: "train-images-idx3-ubyte",
  labels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
};

export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function readIdxSource(config: IdxConfig, context: SourceContext): RawSource {
  const files = locate(config, context.folder);
  const train = readPart(files.images, files.labels);
  const test = files.testImages ? readPart(files.testImages, files.testLabels) : null;
  if (test && test.shape.join() !== train.shape.join()) {
    throw new InputError(
      files.testImages as string,
      `its images are ${test.shape.join("x")}, those of ${files.images} ${train.shape.join("x")}; both parts must agree`,
    );
  }
  const sampleShape = train.shape.length === 2 ? [1, ...train.shape] : train.shape;
  return {
    name: `idx ${basename(resolve(files.images))}`,
    sampleShape,
    train,
    test,
    defaultNormalise: "unit",
    unit: 1 / 255,
  };
}

interface Files {
  images: string;
  labels?: string;
  testImages?: string;
  testLabels?: string;
}

function locate(config: IdxConfig, folder: string): Files {
  if (config.images) {
    const at = (path: string | undefined): string | undefined =>
      path === undefined ? undefined : resolve(folder, path);
    return {
      images: resolve(folder, config.images),
      labels: at(config.labelFile),
      testImages: at(config.testImages),
      testLabels: at(config.testLabelFile),
    };
  }
  if (!config.path) throw new InputError("data", "idx needs path (a folder) or images (a file)");
  const root = resolve(folder, config.path);
  if (!existsSync(root) || !statSync(root).isDirectory())
    throw new InputError("data.path", `no folder ${root}; give the folder that holds ${NAMES.images}[.gz]`);
  const find = (name: string): string | undefined =>
    [`${name}.gz`, name, `${name.replace("-idx", ".idx")}`].map((n) => join(root, n)).find((p) => existsSync(p));
  const images = find(NAMES.images);
  if (!images)
    throw new InputError(
      "data.path",
      `${root} holds no ${NAMES.images}[.gz]; give images and label_file instead if the files have other names`,
    );
  return { images, labels: find(NAMES.labels), testImages: find(NAMES.testImages), testLabels: find(NAMES.testLabels) };
}

function readPart(images: string, labels: string | undefined): RawPart & { shape: readonly number[] } {
  const x = readIdx(images);
  const [count = 0, ...shape] = x.shape;
  if (count === 0) throw new InputError(images, "it holds no samples");
  if (!labels) return { samples: x.data, labels: null, shape };
  const y = readIdx(labels);
  if (y.shape.length !== 1 || y.shape[0] !== count)
    throw new InputError(
      labels,
      `it holds ${y.shape[0]} labels, but ${images} holds ${count} samples; the files do not belong together`,
    );
  return { samples: x.data, labels: Array.from(y.data, String), shape };
}

/** Reads one IDX file of unsigned bytes. */
export function readIdx(path: string): IdxArray {
  if (!existsSync(path)) throw new InputError(path, "no such file");
  let bytes: Uint8Array = readFileSync(path);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes);
    } catch {
      throw new InputError(path, "the gzip data is damaged or cut off; fetch the file again");
    }
  }
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw new InputError(path, "not an IDX file: it must begin with two zero bytes, then type and rank");
  if (bytes[2] !== 8)
    throw new InputError(path, `IDX element type 0x${bytes[2]?.toString(16)}, expected 0x8 (unsigned byte)`);
  const rank = bytes[3] as number;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 + 4 * rank) throw new InputError(path, "the IDX header is cut off");
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((p, d) => p * d, 1);
  const data = bytes.subarray(4 + 4 * rank);
  if (data.length !== size)
    throw new InputError(
      path,
      `the header promises [${shape}] = ${size} bytes, the file holds ${data.length}; fetch it again`,
    );
  return { shape, data };
}
