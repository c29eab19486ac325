/** store.json, the header of a label store: what its answers belong to. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../../node/atomic.js";
import type { TeacherFeature } from "../../../engine/compile/step.js";
import type { DataSet } from "../../data/types.js";
import { InputError } from "../../../base/errors.js";
import type { Teacher } from "../types.js";

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

export const writeHeader = (folder: string, header: StoreHeader): Promise<void> =>
  writeFileAtomic(join(folder, "store.json"), `${JSON.stringify(header, null, 2)}\n`);

export function headerFor(
  teacher: Teacher,
  data: DataSet,
  precision: "float32" | "float16",
  folder: string,
): StoreHeader {
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

export function readHeader(folder: string): StoreHeader {
  const path = join(folder, "store.json");
  if (!existsSync(path))
    throw new InputError({
      code: "file-missing",
      where: folder,
      found: "there is no label store: store.json is missing",
      cure: "Write one with limbeck label",
    });
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new InputError({
      code: "file-damaged",
      where: path,
      found: "it is not valid JSON",
      cure: "Delete the folder and label again",
    });
  }
  const format = (found as { format?: unknown } | null)?.format;
  if (typeof format === "number" && format !== 1)
    throw new InputError({
      code: "file-type",
      where: path,
      found: `it has the store format ${format}`,
      expected: "1, which this version of limbeck reads",
      cure: "Label the data again with limbeck label",
    });
  const header = headerSchema.safeParse(found);
  if (header.success) return header.data;
  const fields = [...new Set(header.error.issues.map((i) => i.path.join(".") || "the whole"))];
  throw new InputError({
    code: "file-damaged",
    where: path,
    found: `it is not the header of a label store: ${fields.join(", ")} ${fields.length === 1 ? "is" : "are"} missing or wrong`,
    cure: "Delete the folder and label again",
  });
}

export function checkHeader(found: StoreHeader, wanted: StoreHeader, folder: string): void {
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
  throw new InputError({
    code: "store-mismatch",
    where: folder,
    found: `this label store was written for something else: the ${what} changed`,
    cure: "Give another folder, or delete this one to label again",
  });
}
