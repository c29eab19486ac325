/** Runs the hops of a strategy one after another: each an ordinary run in a folder of its own, resumable between and inside. */
import { type FinishedHop, hopFolder } from "./hop-plan.js";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../node/atomic.js";
import { RunError } from "../../base/errors.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { noun } from "../../base/noun.js";
import type { Plan } from "../recipe/schema/schema.js";
import { seedsOf } from "../folder/context.js";
import type { DistillOptions, DistillResult } from "../pipeline/one-shot.js";
import type { RunEvent } from "../folder/events.js";
import type { Hop } from "./hop-plan.js";
import { isFinished, noteHops } from "../folder/run-directory.js";
import { readState } from "../folder/run-state.js";
import { readSummary } from "../folder/runs.js";
import { trainPlan } from "../pipeline/train-model.js";
import { listTrainings } from "../folder/trainings.js";
import { allClasses, writeReport } from "../folder/write-summary.js";

/** Runs one recipe once. */
export type OneShot = (plan: Plan, options: DistillOptions) => Promise<DistillResult>;

/**
 * Runs every hop that is not finished yet.
 * @param directory the strategy's folder: the hops lie in it, and so do the teachers they share
 * @param kind of the strategy
 * @throws whatever a hop throws; what is done stays done
 */
export async function runHops(
  directory: string,
  kind: string,
  hops: readonly Hop[],
  options: DistillOptions,
  oneShot: OneShot,
): Promise<FinishedHop[]> {
  const done: FinishedHop[] = [];
  for (const [i, hop] of hops.entries()) {
    await noteHops(directory, { kind, done: i, hops: hops.length });
    options.onEvent?.({ kind: "hop", hop: i + 1, hops: hops.length, text: hop.title });
    done.push(await runHop(directory, hop, { ...options, onEvent: within(options, i + 1, hops.length) }, oneShot));
  }
  await noteHops(directory, { kind, done: hops.length, hops: hops.length });
  return done;
}

async function runHop(strategy: string, hop: Hop, options: DistillOptions, oneShot: OneShot): Promise<FinishedHop> {
  const directory = hopFolder(strategy, hop.folder);
  const own = {
    ...options,
    out: directory,
    folder: directory,
    resume: readState(directory).kind !== "none",
    teacherFolder: hop.command === "distill" ? strategy : undefined,
  };
  const found = isFinished(directory, claimed(hop)) ? readSummary(directory) : null;
  const summary = found ?? (await carryOut(hop, own, oneShot));
  if (!existsSync(join(directory, "report.html"))) await writeReport(directory, summary);
  return { hop, directory, summary: allClasses(directory, summary), ...(await collectModels(directory, hop)) };
}

async function carryOut(hop: Hop, options: DistillOptions, oneShot: OneShot): Promise<Summary> {
  if (hop.command === "distill") return (await oneShot(hop.plan, options)).summary;
  return (await trainPlan(hop.plan, { ...options, model: trainedModel(hop) })).summary;
}

const trainedModel = (hop: Hop): "teacher" | "student" => (hop.command === "train-teacher" ? "teacher" : "student");

/** The recipe that the hop's folder is claimed with: a training's has a name of its own (train-model.ts). */
function claimed(hop: Hop): Plan {
  const { command, plan } = hop;
  return command === "distill" ? plan : { ...plan, name: `${plan.name}-${trainedModel(hop)}` };
}

/** Puts each seed's model under a name that the next hop's recipe can say: models/student-1.onnx, ... */
async function collectModels(directory: string, hop: Hop): Promise<Pick<FinishedHop, "students" | "baselines">> {
  const folder = join(directory, "models");
  makeFolder(folder);
  const trainings = listTrainings(directory);
  const seeds = seedsOf(hop.plan);
  const collect = (role: string, name: string): string[] =>
    seeds.flatMap((seed, i) => {
      const found = trainings.find((t) => t.role === role && t.seed === seed);
      if (!found) return [];
      const file = join(folder, `${name}-${i + 1}.onnx`);
      copyFileSync(found.file, file);
      return [file];
    });
  const students =
    hop.command === "distill"
      ? collect("student", "student")
      : collect(hop.command === "train-teacher" ? "teacher" : "baseline", "student");
  if (students.length !== seeds.length)
    throw new RunError({
      code: "run-mismatch",
      where: directory,
      found: `the hop "${hop.title}" left ${noun(students.length, "model")} there`,
      expected: `${seeds.length}`,
      cure: "Start a new run with --out",
    });
  return { students, baselines: hop.command === "distill" ? collect("baseline", "baseline") : [] };
}

/** Says in which hop a training or a labelling is. */
function within({ onEvent }: DistillOptions, hop: number, hops: number): DistillOptions["onEvent"] {
  const at = `hop ${hop}/${hops}, `;
  return (event: RunEvent): void => {
    if (event.kind === "training")
      onEvent?.({ ...event, progress: { ...event.progress, name: `${at}${event.progress.name}` } });
    else if (event.kind === "labelling") onEvent?.({ ...event, teacher: `${event.teacher} (${at.slice(0, -2)})` });
    // The strategy has said what the data is.
    else if (event.kind !== "audit") onEvent?.(event);
  };
}
