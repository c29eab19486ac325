/** IDX files (LeCun's MNIST format), plain or gzipped. */
import { z } from "zod";
import { file } from "../../../base/schema-fields.js";
import { type SourceSettings, sourceEntry } from "./entry.js";
import { lstatSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import { sizeOf } from "../../../engine/graph/tensor.js";
import { checkFolder, readWholeFile } from "./files.js";
import type { DataFinding } from "../findings.js";
import { sampleLayout } from "./npy-format.js";
import { channelsFirst } from "../samples.js";
import type { RawPart, RawSource, SourceContext } from "../source.js";

const schema = z.strictObject({
  source: z.literal("idx").describe("MNIST-like IDX files, plain or .gz"),
  path: file("Folder with train-images-idx3-ubyte[.gz] and its three companions").optional(),
  images: file("Image file, instead of path").optional(),
  labelFile: file("Label file, instead of path").optional(),
  testImages: file("Test images").optional(),
  testLabelFile: file("Test labels").optional(),
});
type IdxSettings = SourceSettings<typeof schema>;

export const idxSource = sourceEntry({
  kind: "idx",
  schema,
  starter: {
    lines: [
      {
        field: "path",
        value: "my-data",
        note: "CHANGE: folder with train-images-idx3-ubyte[.gz] and its three companions",
      },
      { field: "images", value: "images-idx3-ubyte.gz", off: true },
      { field: "labelFile", value: "labels-idx1-ubyte.gz", off: true },
    ],
    parts: "test",
    images: true,
    student: { kind: "preset", name: "keras-student" },
  },
  read: readIdxSource,
});

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

function readIdxSource(config: IdxSettings, context: SourceContext): RawSource {
  const findings: DataFinding[] = [];
  const files = locate(config, context.folder, findings);
  const train = readPart(files.images, files.labels);
  const test = files.testImages ? readPart(files.testImages, files.testLabels) : null;
  if (test && test.shape.join() !== train.shape.join())
    throw new InputError({
      code: "array-mismatch",
      where: files.testImages as string,
      found: `its images are ${test.shape.join("x")}, those of ${files.images} are ${train.shape.join("x")}`,
      expected: "images of one size in both parts",
      cure: "Check that the files belong together",
    });
  return {
    name: `idx ${basename(resolve(files.images))}`,
    sampleShape: train.shape,
    train: train.part,
    test: test?.part ?? null,
    findings,
    labelKind: "numbers",
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

function locate(config: IdxSettings, folder: string, findings: DataFinding[]): Files {
  const at = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(folder, path));
  if (config.images) {
    if (config.testLabelFile && !config.testImages)
      throw new InputError({
        code: "option-missing",
        where: "data.test_images",
        found: "data.test_label_file is there, but no images that belong to it",
        expected: "the test images",
        cure: "Give data.test_images, or remove data.test_label_file",
      });
    return {
      images: resolve(folder, config.images),
      labels: at(config.labelFile),
      testImages: at(config.testImages),
      testLabels: at(config.testLabelFile),
    };
  }
  if (!config.path)
    throw new InputError({
      code: "option-missing",
      where: "data",
      found: "neither path nor images is given",
      expected: "data.path (a folder) or data.images (a file)",
      cure: `Give the folder that holds ${NAMES.images}[.gz], or the files themselves`,
    });
  return inFolder(resolve(folder, config.path), findings);
}

/** The four files by their usual names. */
function inFolder(root: string, findings: DataFinding[]): Files {
  checkFolder(root, `the folder that holds ${NAMES.images}[.gz]`);
  const find = (name: string): string | undefined => {
    const there = [`${name}.gz`, name, name.replace("-idx", ".idx")]
      .map((n) => join(root, n))
      .filter((path) => lstatSync(path, { throwIfNoEntry: false }));
    const [first, second] = there;
    if (first && second) findings.push(twice(first, second));
    return first;
  };
  const images = find(NAMES.images);
  if (!images)
    throw new InputError({
      code: "file-missing",
      where: root,
      found: `it holds no ${NAMES.images}[.gz]`,
      expected: "IDX files with their usual names",
      cure: "Give data.images and data.label_file if they have other names",
    });
  const files = {
    images,
    labels: find(NAMES.labels),
    testImages: find(NAMES.testImages),
    testLabels: find(NAMES.testLabels),
  };
  if (!files.labels) findings.push(absent(root, NAMES.labels, "the samples are used without labels"));
  if (files.testLabels && !files.testImages)
    findings.push(absent(root, NAMES.testImages, `${basename(files.testLabels)} is not used`));
  return files;
}

const twice = (used: string, other: string): DataFinding => ({
  code: "file-twice",
  level: "warning",
  where: other,
  text: `${basename(other)} is not used, because ${basename(used)} is there too.`,
  cure: "Remove one of them.",
});

const absent = (root: string, name: string, result: string): DataFinding => ({
  code: "labels-absent",
  level: "warning",
  where: root,
  text: `The folder has no ${name}[.gz], so ${result}.`,
  cure: "Add the file, or give data.images and its companions if they have other names.",
});

function readPart(images: string, labels: string | undefined): { part: RawPart; shape: readonly number[] } {
  const x = readIdx(images);
  if (x.shape.length === 1)
    throw new InputError({
      code: "array-mismatch",
      where: images,
      found: `it holds ${noun(x.shape[0] as number, "number")} in a row, as a label file does`,
      expected: "images [N, height, width]",
      cure: "Check that images and labels are not exchanged",
    });
  const { count, shape, channelsLast } = sampleLayout(x.shape, images);
  let samples = x.data;
  if (channelsLast) {
    const [channels, height, width] = shape as [number, number, number];
    samples = new Uint8Array(x.data.length);
    channelsFirst(x.data, samples, count, height * width, channels);
  }
  if (!labels) return { part: { samples, labels: null, from: images }, shape };
  const y = readIdx(labels);
  if (y.shape.length !== 1 || y.shape[0] !== count)
    throw new InputError({
      code: "array-mismatch",
      where: labels,
      found: `it holds ${y.shape.length === 1 ? noun(y.shape[0] as number, "label") : `an array of shape [${y.shape}]`}, but ${images} holds ${noun(count, "sample")}`,
      expected: noun(count, "label"),
      cure: "Check that the files belong together",
    });
  return { part: { samples, labels: Array.from(y.data, String), from: images, labelsFrom: labels }, shape };
}

const EXPECTED = "an IDX file of bytes, plain or gzipped";

/** Reads one IDX file of unsigned bytes. */
export function readIdx(path: string): IdxArray {
  const bytes = unpacked(path);
  const refuse = (code: "file-type" | "file-damaged", found: string): InputError =>
    new InputError({ code, where: path, found, expected: EXPECTED, cure: "Fetch or write it again" });
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw refuse("file-type", "not an IDX file: it does not begin with two zero bytes");
  if (bytes[2] !== 8) throw refuse("file-type", `its IDX element type is 0x${bytes[2]?.toString(16)}, not 0x8 (bytes)`);
  const rank = bytes[3] as number;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 + 4 * rank) throw refuse("file-damaged", "the IDX header is cut off");
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = sizeOf(shape);
  const data = bytes.subarray(4 + 4 * rank);
  if (data.length !== size)
    throw refuse("file-damaged", `the header promises [${shape}] = ${size} bytes, and it holds ${data.length}`);
  return { shape, data };
}

function unpacked(path: string): Uint8Array {
  const bytes = readWholeFile(path, EXPECTED);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new InputError(
      {
        code: "file-damaged",
        where: path,
        found: "the gzip data is damaged or cut off",
        expected: EXPECTED,
        cure: "Fetch it again",
      },
      { cause },
    );
  }
}
