/** A short training of its own for a check: the recipe's optimisation with a smaller budget, kept in memory. */
import type { DataSet } from "../../learn/data/types.js";
import { writeModel } from "../../engine/graph/write.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { packageVersion } from "../../node/package-root.js";
import { settingsOf } from "../../run/recipe/resolve.js";
import type { ModelPlan, TrainingPlan } from "../../run/recipe/schema/schema.js";
import { openSession } from "../../node/session.js";
import { train } from "../../learn/train/train.js";
import type { TrainingSettings } from "../../learn/train/types.js";
import type { TeacherOutputs } from "../../learn/teacher/taught.js";
import type { Prepared } from "../../run/students/foreign.js";
import { prepareModel } from "../../run/students/prepare.js";
import { assembleTraining, exportTrained } from "../../run/students/training.js";
import { TrainedStudent } from "../../run/students/trained-student.js";
import type { Patient } from "./types.js";

/** Multiply-accumulates that one training may take, forward and about twice that backward: some ten seconds on two cores. */
const BUDGET = 1e11;
/** Steps that are enough for a check of models that train this fast. */
const ENOUGH = 1000;
/** Or this share of the recipe's, where that is more and the budget allows it. */
const SHARE = 0.2;
/** Fewer steps than these, where the recipe has more, say nothing. */
const FEWEST = 100;

export interface ShortRequest {
  readonly name: string;
  readonly model: ModelPlan;
  readonly objective: ObjectiveConfig;
  readonly samples: Uint32Array;
  readonly classes: number;
  readonly teacher?: TeacherOutputs;
  /** Random views; default: it sees the samples as they are. */
  readonly augment?: TrainingPlan["augment"];
}

export interface ShortTraining {
  /** Updates made, and how many the recipe's own training makes. */
  readonly steps: number;
  readonly of: number;
  readonly parameters: number;
  /** Logits [indices.length, classes] of the trained model. @param of default the recipe's data */
  answers(indices: Uint32Array, of?: DataSet): Promise<Float32Array>;
}

/** Updates that the budget allows; null when they are too few to say anything. */
export function shortSteps(full: number, macsOfStep: number): number | null {
  const allowed = Math.floor(BUDGET / (3 * Math.max(1, macsOfStep)));
  const steps = Math.min(full, Math.max(ENOUGH, Math.round(SHARE * full)), allowed);
  return steps < Math.min(full, FEWEST) ? null : steps;
}

/**
 * Trains a model shortly; the weights of the last step are kept, so that no sample has chosen anything.
 * @returns null where even a short training would take too long
 * @throws InterruptedError when the signal aborts
 */
export async function trainShort(patient: Patient, request: ShortRequest): Promise<ShortTraining | null> {
  const { loaded, folder, plan, signal, emit } = patient;
  const { data } = loaded;
  const { samples, classes, name, objective, teacher } = request;
  const prepared = prepareModel(request.model, { folder, data, classes, seed: plan.seed });
  const { settings, full } = settingsFor(patient, prepared, samples.length, request.augment);
  if (!settings) return null;
  const { task, trained } = assembleTraining({
    name,
    loaded,
    model: prepared,
    objective,
    classes,
    train: samples,
    validation: new Uint32Array(0),
    teacher,
    settings,
  });
  const result = await train(
    { ...task, directory: null, fingerprint: "" },
    { signal, onProgress: (progress) => emit({ kind: "training", progress }) },
  );
  const exported = exportTrained(trained.model, result, { loaded, version: packageVersion() });
  const { threads } = patient;
  return {
    steps: settings.steps,
    of: full,
    parameters: prepared.parameters,
    async answers(indices, of = data) {
      const student = new TrainedStudent(writeModel(exported), prepared, data.classes, (b) =>
        openSession(b, { threads }),
      );
      try {
        return await student.predict(of, indices);
      } finally {
        await student.dispose();
      }
    },
  };
}

function settingsFor(
  { plan, threads }: Patient,
  { macs, parameters }: Prepared,
  samples: number,
  augment: TrainingPlan["augment"],
): { readonly settings: TrainingSettings | null; readonly full: number } {
  const training = { ...plan.training, augment };
  const own = settingsOf(training, samples, plan.seed, { threads, device: "cpu" });
  // A foreign model's cost may be unknown: shared weights are used a hundred times over, or more.
  const steps = shortSteps(own.steps, (macs ?? 100 * parameters) * own.batch * own.accumulate);
  const settings = steps && { ...own, steps, select: "last" as const, patience: null, diagnoseEvery: 0 };
  return { settings: settings || null, full: own.steps };
}
