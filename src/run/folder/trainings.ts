/** The trainings of a run as they lie on disk: which model of which arm and seed each one is. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../node/atomic.js";
import { loadModelFile } from "../../node/model-file.js";
import { readJson } from "./run-state.js";

/** A training's own card, training.json in its folder. */
export interface Training {
  readonly role: Card["role"];
  readonly seed: number;
  /** What it is called: "student, seed 0", "every-label: student, seed 0". Arms that train the same share one training. */
  readonly names: readonly string[];
  /** Hash of the model behind the answers it was taught with (`LoadedModel.hash`); null when it was not taught. */
  readonly teacherHash: string | null;
  /** Its folder. */
  readonly directory: string;
  /** Its exported model. */
  readonly file: string;
}

const CARD = "training.json";
/** Folder in a strategy's run with the runs it is made of. */
export const HOPS = "hops";

/** A training as its card first knows it. */
export interface NewTraining extends Pick<Training, "role" | "seed" | "teacherHash"> {
  readonly name: string;
}

/** Writes or completes the card of a training. */
export async function noteTraining(directory: string, { name, role, seed, teacherHash }: NewTraining): Promise<void> {
  const names = readCard(directory)?.names ?? [];
  if (names.includes(name)) return;
  const card: Card = { role, seed, names: [...names, name], teacherHash };
  await writeFileAtomic(join(directory, CARD), `${JSON.stringify(card, null, 2)}\n`);
}

/** The card of one training's folder; null when it is none, or not finished. */
export function readTraining(directory: string): Training | null {
  const card = readCard(directory);
  const file = join(directory, "model.onnx");
  return card && existsSync(file) ? { ...card, directory, file } : null;
}

/** The finished trainings of a run, of a strategy's also those of its hops, by role and seed. */
export function listTrainings(run: string): Training[] {
  const [folder, hops] = [join(run, "trainings"), join(run, HOPS)];
  const inner = entriesOf(hops).flatMap((name) => listTrainings(join(hops, name)));
  const own = entriesOf(folder).map((name) => readTraining(join(folder, name)));
  return [...own.filter((t) => t !== null), ...inner].sort(
    (a, b) => a.role.localeCompare(b.role) || a.seed - b.seed || a.directory.localeCompare(b.directory),
  );
}

/** The training whose exported model has these very bytes; null when none has. */
export function trainingOf(run: string, model: string): Training | null {
  const bytes = readFileSync(model);
  return listTrainings(run).find((t) => readFileSync(t.file).equals(bytes)) ?? null;
}

const cardSchema = z.object({
  role: z.enum(["teacher", "student", "baseline"]),
  seed: z.number().int(),
  names: z.array(z.string()),
  teacherHash: z.string().nullable(),
});

type Card = Readonly<z.output<typeof cardSchema>>;

/** Null where there is none that can be read. */
function readCard(directory: string): Card | null {
  const read = readJson(join(directory, CARD), CARD);
  if (read === null || "problem" in read) return null;
  return cardSchema.safeParse(read.value).data ?? null;
}

/** What lies in a folder; nothing where it is none. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * The teacher trained in this run, or in the strategy that this run is a hop of, that taught a training; null when it
 * came from elsewhere. A hop's teacher may be the student of another hop.
 */
export function teacherOf(run: string, training: Training): Training | null {
  if (training.teacherHash === null) return null;
  const parent = dirname(resolve(run));
  const teachers = listTrainings(basename(parent) === HOPS ? dirname(parent) : run);
  return teachers.find((t) => loadModelFile(t.file).hash === training.teacherHash) ?? null;
}
