/**
 * The label store: a teacher's answers for every sample of a data set, written once.
 *
 * A folder with store.json (what the answers belong to) and outputs.bin (rows in the data set's own order). Rows are
 * appended in blocks, so a killed labelling goes on where it stopped; hashes of teacher, data and preprocessing decide
 * whether a store may be used.
 */
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
import { join } from "node:path";
import { z } from "zod";
import { makeFolder, writeFileAtomic } from "../atomic.js";
import type { DataSet } from "../data/types.js";
import { InputError, InterruptedError } from "../errors.js";
import { fromHalf, toHalf } from "../graph/half.js";
import { checkWidth } from "./memory.js";
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
});

export interface LabelOptions {
  readonly precision: "float32" | "float16";
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, rate: number) => void;
}

/** Rows written before they are flushed to the disk. */
const BLOCK = 512;

/** A complete store, in memory. */
export class LabelStore {
  constructor(
    readonly folder: string,
    readonly header: StoreHeader,
    readonly outputs: Float32Array,
  ) {}

  get kind(): "logits" | "probabilities" {
    return this.header.kind;
  }

  /** Copies the rows of these samples, by their index in the data set. */
  gather(indices: Uint32Array, out: Float32Array): void {
    const width = this.header.classes.length;
    for (let i = 0; i < indices.length; i++) {
      const from = (indices[i] as number) * width;
      out.set(this.outputs.subarray(from, from + width), i * width);
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
  const header = headerFor(teacher, data, options.precision);
  makeFolder(folder);
  const path = join(folder, "store.json");
  const file = join(folder, "outputs.bin");
  if (existsSync(path)) checkHeader(readHeader(folder), header, folder);
  else {
    // Rows whose header was deleted may be anybody's.
    rmSync(file, { force: true });
    await writeFileAtomic(path, `${JSON.stringify(header, null, 2)}\n`);
  }
  const rowBytes = header.classes.length * (header.precision === "float16" ? 2 : 4);
  const fd = openSync(file, existsSync(file) ? "r+" : "w+");
  try {
    const done = Math.min(Math.floor(statSync(file).size / rowBytes), header.samples);
    ftruncateSync(fd, done * rowBytes);
    await label(fd, done, header, teacher, data, rowBytes, options);
  } finally {
    closeSync(fd);
  }
  return readLabelStore(folder, data);
}

async function label(
  fd: number,
  done: number,
  header: StoreHeader,
  teacher: Teacher,
  data: DataSet,
  rowBytes: number,
  options: LabelOptions,
): Promise<void> {
  const started = performance.now();
  const first = done;
  const block = teacher.block ?? BLOCK;
  for (let at = done; at < header.samples; at += block) {
    if (options.signal?.aborted)
      throw new InterruptedError(`labelling with ${teacher.name}: stopped after ${at} of ${header.samples} samples`);
    const indices = Uint32Array.from({ length: Math.min(block, header.samples - at) }, (_, i) => at + i);
    const answers = await teacher.answer(data, indices);
    checkWidth(teacher, answers, indices);
    const bad = answers.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new InputError(
        teacher.name,
        `the teacher answers ${answers[bad]} for sample ${at + Math.floor(bad / header.classes.length)}; check its input layout and normalisation`,
      );
    const large = header.precision === "float16" ? answers.findIndex((v) => Math.abs(v) > 65504) : -1;
    if (large >= 0)
      throw new InputError(
        "teacher.precision",
        `the teacher answers ${answers[large]}, beyond float16's 65504; use float32`,
      );
    const rows = header.precision === "float16" ? toHalf(answers) : answers;
    writeSync(fd, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), 0, rows.byteLength, at * rowBytes);
    fsyncSync(fd);
    const now = at + indices.length;
    options.onProgress?.(now, header.samples, ((now - first) * 1000) / Math.max(performance.now() - started, 1));
  }
}

/**
 * Reads a complete store.
 * @param data the data it must belong to; null skips that check
 */
export function readLabelStore(folder: string, data: DataSet | null): LabelStore {
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
  const width = header.precision === "float16" ? 2 : 4;
  const file = join(folder, "outputs.bin");
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const count = header.samples * header.classes.length;
  if (bytes.length < count * width) {
    const rows = Math.floor(bytes.length / (width * header.classes.length));
    throw new InputError(
      folder,
      `this label store holds ${rows} of ${header.samples} samples; finish it with \`limbeck label --resume\``,
    );
  }
  if (bytes.length > count * width)
    throw new InputError(
      file,
      `it has ${bytes.length} bytes, ${header.samples} samples of ${header.classes.length} classes need ${count * width}; it belongs to something else: label again`,
    );
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + count * width);
  const outputs = header.precision === "float16" ? fromHalf(new Uint16Array(buffer)) : new Float32Array(buffer);
  const bad = outputs.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new InputError(
      file,
      `it holds ${outputs[bad]} for sample ${Math.floor(bad / header.classes.length)}; it is damaged: label again`,
    );
  return new LabelStore(folder, header, outputs);
}

function headerFor(teacher: Teacher, data: DataSet, precision: "float32" | "float16"): StoreHeader {
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
  throw new InputError(
    path,
    `it is no header of a label store (${z.prettifyError(header.error).replaceAll("\n", " ")}); delete the folder and label again`,
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
  if (differing.length === 0) return;
  const what = differing.map((k) => names[k as keyof StoreHeader]).join(", ");
  throw new InputError(
    folder,
    `this label store was written for something else: the ${what} changed. Give another folder, or delete this one to label again`,
  );
}
