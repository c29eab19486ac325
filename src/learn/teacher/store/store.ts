/**
 * The label store: a teacher's answers for every sample of a data set, written once.
 *
 * A folder with store.json (what the answers belong to) and outputs.bin (rows in the data set's own order), and for each
 * inner value that is kept feature-0.bin, feature-1.bin ... of the same form, read row by row in training; so are answers
 * too large to be held in memory. Rows are appended in blocks, so a killed labelling goes on where it stopped; hashes of
 * teacher, data and preprocessing decide whether a store may be used.
 */
import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../../node/atomic.js";
import type { TeacherFeature } from "../../../engine/compile/step.js";
import type { DataSet } from "../../data/types.js";
import { debug } from "../../../base/debug.js";
import { InputError } from "../../../base/errors.js";
import { minOf } from "../../../base/extremes.js";
import { toHalf } from "../../../engine/graph/half.js";
import { sizeOf } from "../../../engine/graph/tensor.js";
import { noun } from "../../../base/noun.js";
import type { FeatureOutputs } from "../taught.js";
import { labelBlock } from "../answers.js";
import { checkHeader, headerFor, readHeader, type StoreHeader, writeHeader } from "./store-header.js";
import { hasHash, hashOfFile, noteHash, StoredRows, sizeOfFile } from "./stored-rows.js";
import type { Teacher } from "../types.js";

export type { StoreHeader } from "./store-header.js";

export interface ReadOptions {
  /** Bytes of answers, as float32, that are held in memory; of a larger store only the rows asked for are read. Default 256 MiB. */
  readonly memory?: number;
  /** Whether the answers are held against the hash in the header (once a process, while nobody writes to them). Default true. */
  readonly checkHash?: boolean;
}

export interface LabelOptions extends ReadOptions {
  readonly precision: "float32" | "float16";
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, rate: number) => void;
}

/** Rows written before they are flushed to the disk. */
const BLOCK = 512;

/** Answers that every machine can hold beside a training. */
const MEMORY = 256 << 20;

/** A complete store: answers in memory, or on the disk where they are many; features on the disk. */
export class LabelStore {
  /** Inner values of the teacher that it holds. */
  readonly features: readonly FeatureOutputs[];

  readonly #outputs: Float32Array | null;

  /** @param outputs answers [samples, classes]; null leaves them in the folder's file */
  constructor(
    readonly folder: string,
    readonly header: StoreHeader,
    outputs: Float32Array | null,
  ) {
    this.#outputs = outputs;
    this.features = (header.features ?? []).map((f, i) => storedFeature(folder, header, f, i));
  }

  /** Whether the answers are held in memory. */
  get inMemory(): boolean {
    return this.#outputs !== null;
  }

  /** All answers [samples, classes]. Those that are not held in memory are read each time this is asked for: keep the array. */
  get outputs(): Float32Array {
    if (this.#outputs) return this.#outputs;
    const { samples, classes } = this.header;
    const all = new Float32Array(samples * classes.length);
    answersIn(this.folder, this.header).scan(samples, all);
    return all;
  }

  get kind(): "logits" | "probabilities" {
    return this.header.kind;
  }

  /** Copies the rows of these samples, by their index in the data set. */
  gather(indices: Uint32Array, out: Float32Array): void {
    if (!this.#outputs) {
      answersIn(this.folder, this.header).gather(indices, out);
      return;
    }
    const width = this.header.classes.length;
    for (let i = 0; i < indices.length; i++) {
      const from = (indices[i] as number) * width;
      out.set(this.#outputs.subarray(from, from + width), i * width);
    }
  }
}

/**
 * Opens a store for this teacher and data, labelling what is missing.
 * @throws InputError when the folder holds a store of something else, saying what differs
 * @throws InterruptedError when the signal aborts; what is labelled stays
 */
export async function openLabelStore(
  folder: string,
  teacher: Teacher,
  data: DataSet,
  options: LabelOptions,
): Promise<LabelStore> {
  const header = headerFor(teacher, data, options.precision, folder);
  makeFolder(folder);
  const path = join(folder, "store.json");
  if (existsSync(path)) checkHeader(readHeader(folder), header, folder);
  else {
    // Rows whose header was deleted may be anybody's.
    for (const { path: part } of partsOf(folder, header)) rmSync(part, { force: true });
    await writeHeader(folder, header);
  }
  const files = partsOf(folder, header).map((part) => ({
    ...part,
    fd: openSync(part.path, existsSync(part.path) ? "r+" : "w+"),
  }));
  try {
    const rows = files.map(({ path: at, rowBytes }) => Math.floor(statSync(at).size / rowBytes));
    const done = minOf(rows, header.samples);
    for (const { fd, rowBytes } of files) ftruncateSync(fd, done * rowBytes);
    debug("teacher")?.(`${teacher.name}: label store ${folder} holds ${done} of ${noun(header.samples, "sample")}`);
    await label(files, done, header, teacher, data, options);
    // Only who has just written the answers may vouch for them.
    if (done < header.samples) {
      const hash = outputsHash(folder);
      await writeHeader(folder, { ...header, outputsHash: hash });
      noteHash(join(folder, "outputs.bin"), hash);
    }
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
  return readLabelStore(folder, data, options);
}

/** Hex SHA-256 of a store's answers as they lie on the disk: to be held against `StoreHeader.outputsHash`. */
export function outputsHash(folder: string): string {
  return hashOfFile(join(folder, "outputs.bin"));
}

interface Part {
  readonly path: string;
  /** Values of one sample. */
  readonly width: number;
  readonly rowBytes: number;
}

/** The files of a store: the answers, then each feature. */
function partsOf(folder: string, { classes, precision, features = [] }: StoreHeader): Part[] {
  const part = (name: string, width: number): Part => ({
    path: join(folder, name),
    width,
    rowBytes: width * bytesOf(precision),
  });
  return [part("outputs.bin", classes.length), ...features.map((f, i) => part(`feature-${i}.bin`, sizeOf(f.shape)))];
}

const bytesOf = (precision: StoreHeader["precision"]): number => (precision === "float16" ? 2 : 4);

async function label(
  files: readonly (Part & { readonly fd: number })[],
  done: number,
  header: StoreHeader,
  teacher: Teacher,
  data: DataSet,
  options: LabelOptions,
): Promise<void> {
  const started = performance.now();
  const first = done;
  const block = teacher.block ?? BLOCK;
  for (let at = done; at < header.samples; at += block) {
    const indices = Uint32Array.from({ length: Math.min(block, header.samples - at) }, (_, i) => at + i);
    const { answers, features } = await labelBlock(teacher, data, indices, {
      signal: options.signal,
      done: at,
      total: header.samples,
    });
    for (const [i, values] of [answers, ...features].entries()) {
      const { fd, rowBytes } = files[i] as (typeof files)[number];
      const rows = packed(values, header.precision);
      writeSync(fd, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), 0, rows.byteLength, at * rowBytes);
      fsyncSync(fd);
    }
    const now = at + indices.length;
    options.onProgress?.(now, header.samples, ((now - first) * 1000) / Math.max(performance.now() - started, 1));
  }
}

function packed(values: Float32Array, precision: StoreHeader["precision"]): Float32Array | Uint16Array {
  if (precision === "float32") return values;
  const large = values.findIndex((v) => Math.abs(v) > 65504);
  if (large >= 0)
    throw new InputError({
      code: "not-finite",
      where: "teacher.precision",
      found: `the teacher answers ${values[large]}`,
      expected: "at most 65504, the largest float16",
      cure: "Set precision: float32",
    });
  return toHalf(values);
}

function answersIn(folder: string, header: StoreHeader): StoredRows {
  return new StoredRows(join(folder, "outputs.bin"), header.classes.length, header.precision);
}

/** A feature in its file: only the rows asked for are read. */
function storedFeature(folder: string, header: StoreHeader, feature: TeacherFeature, i: number): FeatureOutputs {
  const { path, width } = partsOf(folder, header)[i + 1] as Part;
  const rows = new StoredRows(path, width, header.precision);
  return { ...feature, gather: (indices, out) => rows.gather(indices, out) };
}

/**
 * Reads a complete store.
 * @param data the data it must belong to; null skips that check
 * @throws InputError when it is not complete, not of this data, or its answers are not those that were written down
 */
export function readLabelStore(folder: string, data: DataSet | null, options: ReadOptions = {}): LabelStore {
  const header = readHeader(folder);
  if (data && header.dataHash !== data.hash) {
    throw new InputError({
      code: "store-mismatch",
      where: folder,
      found: `this label store belongs to other data (${header.dataHash.slice(0, 12)})`,
      expected: `the data of the recipe (${data.hash.slice(0, 12)})`,
      cure: "Label the data again with limbeck label",
    });
  }
  if (data && data.classes.length > 0 && header.classes.join("\0") !== data.classes.join("\0"))
    throw new InputError({
      code: "class-order",
      where: folder,
      found: `this label store has the classes ${listed(header.classes)}`,
      expected: `those of the data: ${listed(data.classes)}`,
      cure: "Set data.classes to the classes of the store, or label the data again",
    });
  if (data && header.samples !== data.size)
    throw new InputError({
      code: "store-mismatch",
      where: folder,
      found: `this label store has ${noun(header.samples, "sample")}`,
      expected: `${data.size}, as the data has`,
      cure: "Label the data again with limbeck label",
    });
  const [{ path, rowBytes }] = partsOf(folder, header) as [Part];
  const [size, wanted] = [sizeOfFile(path), header.samples * rowBytes];
  if (size < wanted) throw unfinished(folder, Math.floor(size / rowBytes), header.samples);
  if (size > wanted) throw tooLong(path, size, wanted, header.samples);
  const count = header.samples * header.classes.length;
  const outputs = count * 4 <= (options.memory ?? MEMORY) ? new Float32Array(count) : null;
  readAnswers(folder, header, outputs, options.checkHash ?? true);
  checkFeatureFiles(folder, header);
  return new LabelStore(folder, header, outputs);
}

/** One pass over the answers, which is also the one that their hash is taken in. @param outputs takes them; null only looks */
function readAnswers(folder: string, header: StoreHeader, outputs: Float32Array | null, check: boolean): void {
  const path = join(folder, "outputs.bin");
  const wanted = header.outputsHash;
  const rows = answersIn(folder, header);
  if (!check || wanted === undefined || hasHash(path, wanted)) {
    rows.scan(header.samples, outputs);
    return;
  }
  const hash = createHash("sha256");
  rows.scan(header.samples, outputs, (bytes) => hash.update(bytes));
  const found = hash.digest("hex");
  if (found !== wanted)
    throw new InputError({
      code: "store-mismatch",
      where: folder,
      found: `the answers of this label store are not those that were written: outputs.bin has the SHA-256 ${found.slice(0, 12)}`,
      expected: `${wanted.slice(0, 12)}, as in store.json`,
      cure: "Delete this folder and label again with limbeck label: rows that were moved or damaged teach answers to other samples",
    });
  noteHash(path, wanted);
}

const listed = (classes: readonly string[]): string =>
  classes.slice(0, 8).join(", ") + (classes.length > 8 ? ", ..." : "");

const unfinished = (where: string, labelled: number, samples: number): InputError =>
  new InputError({
    code: "store-mismatch",
    where,
    found: `it holds ${labelled} of ${noun(samples, "sample")}`,
    cure: "Finish it with limbeck label --resume",
  });

const tooLong = (where: string, bytes: number, wanted: number, samples: number): InputError =>
  new InputError({
    code: "store-mismatch",
    where,
    found: `it has ${bytes} bytes`,
    expected: `${wanted} for ${noun(samples, "sample")}`,
    cure: "Label the data again with limbeck label",
  });

function checkFeatureFiles(folder: string, header: StoreHeader): void {
  for (const { path, rowBytes } of partsOf(folder, header).slice(1)) {
    const size = sizeOfFile(path);
    const wanted = header.samples * rowBytes;
    if (size < wanted) throw unfinished(path, Math.floor(size / rowBytes), header.samples);
    if (size > wanted) throw tooLong(path, size, wanted, header.samples);
  }
}
