/** state.json in the folder of a run. It is read with care: anything may lie in a folder of runs. */
import { lstatSync, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

export const RUN_KINDS = ["distill", "train", "label", "sweep"] as const;
export type RunKind = (typeof RUN_KINDS)[number];

const stateSchema = z.object({
  /** Fingerprint of the recipe without its secrets. */
  recipe: z.string(),
  name: z.string(),
  status: z.enum(["running", "done"]),
  /** Paths in the recipe start here: absolute, or "." for the run's own folder, which may be moved. */
  folder: z.string().optional(),
  /** Of limbeck; absent in runs older than this field. */
  version: z.string().optional(),
  /** What kind of run it is; absent: distill. */
  kind: z.enum(RUN_KINDS).optional(),
  /** Of a distill run with several hops: which strategy, and how many hops are done. */
  strategy: z.object({ kind: z.string(), done: z.number(), hops: z.number() }).optional(),
});

export type State = Readonly<z.output<typeof stateSchema>>;

/** What a folder says of itself: `none` is not the folder of a run, `damaged` is one that cannot be read. */
export type StateReading =
  | { readonly kind: "state"; readonly state: State }
  | { readonly kind: "damaged"; readonly problem: string }
  | { readonly kind: "none" };

/** Bytes: far more than any state.json has. */
const LARGEST = 1 << 20;

/** The state of a run; null where the folder has none that can be read. */
export function stateOf(directory: string): State | null {
  const reading = readState(directory);
  return reading.kind === "state" ? reading.state : null;
}

/** Reads what a folder of runs may hold, whatever it is; never throws. */
export function readState(directory: string): StateReading {
  const folder = look(directory);
  if (typeof folder === "string") return { kind: "damaged", problem: folder };
  if (!folder?.isDirectory()) return { kind: "none" };
  const read = readJson(join(directory, "state.json"), "state.json", LARGEST);
  if (read === null) return { kind: "none" };
  if ("problem" in read) return { kind: "damaged", problem: read.problem };
  const parsed = stateSchema.safeParse(read.value);
  if (parsed.success) return { kind: "state", state: parsed.data };
  const fields = [...new Set(parsed.error.issues.map((issue) => issue.path.join(".")))].filter(Boolean);
  const wrong = fields.length > 0 ? ` (missing or wrong: ${fields.join(", ")})` : "";
  return { kind: "damaged", problem: `state.json does not describe a run${wrong}` };
}

/**
 * A JSON file that may be anything; null where there is none.
 * @param name what the problem calls it
 */
export function readJson(
  path: string,
  name: string,
  largest = Number.POSITIVE_INFINITY,
): { readonly value: unknown } | { readonly problem: string } | null {
  const file = look(path, name);
  if (file === null) return null;
  if (typeof file === "string") return { problem: file };
  // Reading a pipe would wait for whoever writes to it.
  if (!file.isFile()) return { problem: `${name} is ${file.isDirectory() ? "a folder" : "not a file"}` };
  if (file.size > largest) return { problem: `${name} has ${file.size} bytes, too many for what it should hold` };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return { problem: `${name} cannot be read (${codeOf(error)})` };
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: `${name} is not valid JSON` };
  }
}

/** What lies at a path; null: nothing; a sentence: why that cannot be said. */
function look(path: string, name = "it"): Stats | string | null {
  try {
    return statSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ELOOP") return `${name} is a link to itself`;
    if (code !== "ENOENT" && code !== "ENOTDIR") return `${name} cannot be read (${code})`;
  }
  try {
    lstatSync(path);
    return `${name} is a link to nothing`;
  } catch {
    return null;
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);
