/** How every command begins that makes a run: load, check, claim the folder, work, finish or discard. */
import { InputError } from "../../base/errors.js";
import type { Plan } from "../recipe/schema/schema.js";
import { contextOf, type RunContext, type RunOptions } from "./context.js";
import { type AuditedData, loadAudited } from "./load-audited.js";
import { claimDirectory, discardUnused, finishDirectory } from "./run-directory.js";
import type { RunKind } from "./run-state.js";

/** Where a run goes and how. */
export interface BeginOptions extends RunOptions {
  /** Folder of the run; default: what `RunStart.marks` says. */
  readonly out?: string;
  /** Folder for teachers and their answers; default: the run's folder. */
  readonly teacherFolder?: string;
}

/** What its folder says of a run. */
export interface RunMarks {
  readonly kind: RunKind;
  /** Of the run, and of its folder in runs/. */
  readonly name: string;
  /** For recipe.yaml; default: the recipe that is run. */
  readonly plan?: Plan;
  /** Its folder where the user names none; default: a new one in runs/. */
  readonly out?: string;
}

/** What one command does, between the beginning and the end that all have. */
export interface RunStart<Checked, Result> {
  readonly plan: Plan;
  readonly options: BeginOptions;
  /** Default: a distillation with the recipe's name. */
  readonly marks?: RunMarks;
  /**
   * Looks at recipe and data before anything is written.
   * @param folder where the recipe's paths start
   * @returns what the work needs of it
   * @throws InputError when the run makes no sense
   */
  check(loaded: AuditedData, folder: string): Checked;
  work(run: BegunRun, checked: Checked): Promise<Result>;
}

/** A run whose folder is claimed. */
export interface BegunRun {
  readonly context: RunContext;
  /** Since the command began. */
  seconds(): number;
}

/**
 * Makes a run. Its folder belongs to this process until the work is over, whatever ends it; when wrong input ends it before
 * anything was kept, nothing of it stays behind.
 * @throws InputError when the recipe or its data cannot be used, or the folder belongs to something else; what the work throws
 */
export async function beginRun<Checked, Result>(start: RunStart<Checked, Result>): Promise<Result> {
  const began = performance.now();
  const { plan, options } = start;
  const { folder = process.cwd(), onEvent, teacherFolder } = options;
  const marks = start.marks ?? { kind: "distill", name: plan.name };
  const loaded = await loadAudited(plan.data, { folder, student: plan.student, onEvent });
  const checked = start.check(loaded, folder);
  const written = marks.plan ?? plan;
  const claimed = await claimDirectory(
    { ...plan, name: marks.name },
    { out: options.out ?? marks.out, resume: options.resume, folder, teacherFolder, kind: marks.kind, plan: written },
  );
  const { directory } = claimed;
  try {
    for (const text of claimed.takenOver) onEvent?.({ kind: "warning", text });
    const context = contextOf(plan, loaded, directory, options);
    const result = await start.work({ context, seconds: () => (performance.now() - began) / 1000 }, checked);
    await finishDirectory(directory);
    return result;
  } catch (error) {
    if (error instanceof InputError && !options.resume) discardUnused(directory, options.out === undefined);
    throw error;
  } finally {
    claimed.release();
  }
}
