/** Trains students that learn together, as one training, and exports each of them. */
import { join } from "node:path";
import { joinPeers, weightsOfPeer } from "../../engine/compile/peers.js";
import { trainingIdentity } from "../../learn/data/read.js";
import { appendTo } from "../../base/extremes.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { settingsOf } from "../recipe/resolve.js";
import type { ModelPlan, TrainingPlan } from "../recipe/schema/schema.js";
import { train } from "../../learn/train/train.js";
import type { TrainingResult } from "../../learn/train/types.js";
import { fingerprint, type RunContext } from "../folder/context.js";
import { exportFitted } from "./fit.js";
import type { Fitted } from "./fitted.js";
import { fileIdentity, notePrepared, type Prepared, prepareModel } from "./prepare.js";
import { withRawInput } from "./training.js";

export interface PeersRequest {
  readonly models: readonly ModelPlan[];
  readonly training: TrainingPlan;
  /** What one of them minimises; their number is filled in. */
  readonly objective: ObjectiveConfig;
  /** Their names, as rows have them. */
  readonly names: readonly string[];
  readonly samples: Uint32Array;
  readonly seed: number;
}

/** Seed of the start weights of student i of those that learn together: the first starts as it would alone. */
export function weightSeedOf({ plan }: Pick<RunContext, "plan">, seed: number, i: number): number {
  return seed + i * plan.seeds;
}

/**
 * Trains (or finds the finished training of) students that see the same batches. The first starts from the weights that it
 * would have alone with this seed; the others from weights of their own.
 */
export async function fitPeers(context: RunContext, request: PeersRequest): Promise<Fitted[]> {
  const { loaded, execution } = context;
  const { models, samples, seed } = request;
  const objective = { ...request.objective, peers: models.length };
  const prepared = models.map((model, i) =>
    prepareModel(model, {
      folder: context.folder,
      data: loaded.data,
      classes: loaded.data.classes.length,
      seed: weightSeedOf(context, seed, i),
    }),
  );
  for (const [i, own] of prepared.entries()) notePrepared(context, models[i] as ModelPlan, own);
  const settings = settingsOf(request.training, samples.length, seed, execution);
  const { threads: _, device: __, ...deciding } = settings;
  const hash = trainingIdentity(loaded.data);
  const print = fingerprint("peers", hash, samples, loaded.splits.validation, loaded.normalisation, models, objective, [
    deciding,
    context.plan.seeds,
    ...models.flatMap((model) => fileIdentity(model, context.folder)),
  ]);
  const id = `${print.slice(0, 10)}-seed${seed}`;
  const joined = joinPeers(prepared.map((p) => p.model));
  const result = await train(
    {
      name: `${models.length} students, seed ${seed}`,
      model: withRawInput({ model: joined }, loaded),
      data: loaded.data,
      train: samples,
      validation: loaded.splits.validation,
      objective,
      settings,
      directory: join(context.directory, "trainings", `together-${id}`),
      fingerprint: print,
    },
    {
      signal: context.signal,
      resume: true,
      onWarning: (text) => context.emit({ kind: "warning", text }),
      checkpointSeconds: context.checkpointSeconds,
      onProgress: (progress) => context.emit({ kind: "training", progress }),
    },
  );
  appendTo(context.warnings, result.warnings);
  return exportPeers(context, request, prepared, { id, result });
}

/** Writes each of the students that a training holds. */
async function exportPeers(
  context: RunContext,
  { models, training, objective, names, samples, seed }: PeersRequest,
  prepared: readonly Prepared[],
  { id, result }: { readonly id: string; readonly result: TrainingResult },
): Promise<Fitted[]> {
  const fitted: Fitted[] = [];
  for (const [i, own] of prepared.entries()) {
    const student = `student-${id}-peer${i + 1}`;
    const model = models[i] as ModelPlan;
    const name = `${names[i]}, seed ${seed}`;
    fitted.push(
      await exportFitted(context, {
        request: { name, role: "student", model, training, objective, samples, seed },
        id: student,
        directory: join(context.directory, "trainings", student),
        prepared: own,
        result: {
          ...result,
          weights: weightsOfPeer(result.weights, i),
          selection: `${result.selection}, mean of all ${models.length}`,
        },
      }),
    );
  }
  return fitted;
}
