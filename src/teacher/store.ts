/**
 * The label store: a teacher's answers for every sample of a data set, written once.
 *
 * A folder with store.json (what the answers belong to) and outputs.bin (rows in the data set's own order), and for each
 * inner value that is kept feature-0.bin, feature-1.bin ... of the same form, read row by row in training; so are answers
 * too large to be held in memory. Rows are appended in blocks, so a killed labelling goes on where it stopped; hashes of
 * teacher, data and preprocessing decide whether a store may be used.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join, relative, resolve } from "node:path";
import { z } from "zod";
import { makeFolder, writeFileAtomic } from "../atomic.js";
import type { TeacherFeature } from "../compile/step.js";
import type { DataSet } from "../data/types.js";
import { InputError } from "../errors.js";
import { minOf } from "../extremes.js";
import { toHalf } from "../graph/half.js";
import { sizeOf } from "../graph/tensor.js";
import type { FeatureOutputs } from "../train/types.js";
import { labelBlock } from "./answers.js";
import { hasHash, hashOfFile, noteHash, StoredRows, sizeOfFile } from "./stored-rows.js";
import type { Teacher } from "./types.js";

export interface StoreHeader {
  readonly format: 1;
  readonly teacher: string;
  readonly teacherHash: string;
  readonly dataHash: string;
  readonly preprocessing: string;
  readonly kind: "logits" | "probabilities";
  readonly classes: readonly string[];
  readonly samples: number;
  readonly precision: "float32" | "float16";
  /** Inner values kept too, feature-0.bin for the first, with the shape of one sample; absent: none. */
  readonly features?: readonly TeacherFeature[] | undefined;
  /** The teacher's file, as a path from this folder; absent where there is none. Says where to look, decides nothing. */
  readonly teacherFile?: string | undefined;
  /** Hex SHA-256 of outputs.bin once it is complete; absent in stores of before it was written down. */
  readonly outputsHash?: string | undefined;
}

const headerSchema = z.object({
  format: z.literal(1),
  teacher: z.string(),
  teacherHash: z.string(),
  dataHash: z.string(),
  preprocessing: z.string(),
  kind: z.enum(["logits", "probabilities"]),
  classes: z.array(z.string()).min(1),
  samples: z.number().int().min(0),
  precision: z.enum(["float32", "float16"]),
  features: z
    .array(z.object({ name: z.string(), node: z.string(), shape: z.array(z.number().int().min(0)) }))
    .min(1)
    .optional(),
  teacherFile: z.string().optional(),
  outputsHash: z.string().optional(),
});

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

const writeHeader = (folder: string, header: StoreHeader): Promise<void> =>
  writeFileAtomic(join(folder, "store.json"), `${JSON.stringify(header, null, 2)}\n`);

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
    throw new InputError(
      "teacher.precision",
      `the teacher answers ${values[large]}, beyond float16's 65504; use float32`,
    );
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
    throw new InputError(
      folder,
      `this label store belongs to other data (${header.dataHash.slice(0, 12)}, found ${data.hash.slice(0, 12)}); label the data again with \`limbeck label\``,
    );
  }
  if (data && data.classes.length > 0 && header.classes.join("\0") !== data.classes.join("\0"))
    throw new InputError(
      folder,
      `this label store has the classes ${header.classes.slice(0, 8).join(", ")}, the data ${data.classes.slice(0, 8).join(", ")}`,
    );
  if (data && header.samples !== data.size)
    throw new InputError(
      folder,
      `this label store says it has ${header.samples} samples, the data has ${data.size}; label again`,
    );
  const [{ path, rowBytes }] = partsOf(folder, header) as [Part];
  const [size, wanted] = [sizeOfFile(path), header.samples * rowBytes];
  if (size < wanted)
    throw new InputError(
      folder,
      `this label store holds ${Math.floor(size / rowBytes)} of ${header.samples} samples; finish it with \`limbeck label --resume\``,
    );
  if (size > wanted)
    throw new InputError(
      path,
      `it has ${size} bytes, ${header.samples} samples of ${header.classes.length} classes need ${wanted}; it belongs to something else: label again`,
    );
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
    throw new InputError(
      folder,
      `the answers of this label store are not those that were written down: outputs.bin has the SHA-256 ${found.slice(0, 12)}, store.json says ${wanted.slice(0, 12)}. Rows that were moved, shuffled or damaged teach answers to other samples: delete this folder and label again with \`limbeck label\` (a run labels a store of its own again by itself)`,
    );
  noteHash(path, wanted);
}

function checkFeatureFiles(folder: string, header: StoreHeader): void {
  for (const { path, rowBytes } of partsOf(folder, header).slice(1)) {
    const size = sizeOfFile(path);
    const wanted = header.samples * rowBytes;
    if (size < wanted)
      throw new InputError(
        path,
        `it holds ${Math.floor(size / rowBytes)} of ${header.samples} samples; finish it with \`limbeck label --resume\``,
      );
    if (size > wanted)
      throw new InputError(path, `it has ${size} bytes, ${header.samples} samples need ${wanted}; label again`);
  }
}

function headerFor(teacher: Teacher, data: DataSet, precision: "float32" | "float16", folder: string): StoreHeader {
  const classes =
    data.classes.length === teacher.classes
      ? data.classes
      : Array.from({ length: teacher.classes }, (_, i) => String(i));
  return {
    format: 1,
    teacher: teacher.name,
    teacherHash: teacher.hash,
    dataHash: data.hash,
    preprocessing: teacher.preprocessing,
    kind: teacher.kind,
    classes,
    samples: data.size,
    precision,
    ...(teacher.features?.length
      ? { features: teacher.features.map(({ name, node, shape }) => ({ name, node, shape })) }
      : {}),
    ...(teacher.file ? { teacherFile: relative(resolve(folder), resolve(teacher.file)).replaceAll("\\", "/") } : {}),
  };
}

function readHeader(folder: string): StoreHeader {
  const path = join(folder, "store.json");
  if (!existsSync(path))
    throw new InputError(folder, "no label store here (store.json is missing); write one with `limbeck label`");
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new InputError(path, "it is not valid JSON; delete the folder and label again");
  }
  const format = (found as { format?: unknown } | null)?.format;
  if (typeof format === "number" && format !== 1)
    throw new InputError(path, `store format ${format}, this version of limbeck reads 1; label again`);
  const header = headerSchema.safeParse(found);
  if (header.success) return header.data;
  const fields = [...new Set(header.error.issues.map((i) => i.path.join(".") || "the whole"))];
  throw new InputError(
    path,
    `it is no header of a label store (missing or wrong: ${fields.join(", ")}); delete the folder and label again`,
  );
}

function checkHeader(found: StoreHeader, wanted: StoreHeader, folder: string): void {
  const names: Partial<Record<keyof StoreHeader, string>> = {
    teacherHash: "teacher",
    dataHash: "data",
    preprocessing: "preprocessing of the teacher's input",
    kind: "kind of outputs",
    samples: "number of samples",
    precision: "precision",
  };
  const differing = Object.keys(names).filter((k) => found[k as keyof StoreHeader] !== wanted[k as keyof StoreHeader]);
  const features = JSON.stringify(found.features) !== JSON.stringify(wanted.features) ? ["features"] : [];
  if (differing.length + features.length === 0) return;
  const what = [...differing.map((k) => names[k as keyof StoreHeader]), ...features].join(", ");
  throw new InputError(
    folder,
    `this label store was written for something else: the ${what} changed. Give another folder, or delete this one to label again`,
  );
}
