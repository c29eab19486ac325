/** Trains students that learn together, as one training, and exports each of them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../atomic.js";
import { exportModel } from "../compile/export.js";
import { withNormalisation } from "../compile/normalise.js";
import { joinPeers, weightsOfPeer } from "../compile/peers.js";
import { sampleTypeOf } from "../data/samples.js";
import { writeModel } from "../graph/write.js";
import type { ObjectiveConfig } from "../objective/objective.js";
import { packageVersion } from "../package-root.js";
import { settingsOf } from "../recipe/resolve.js";
import type { ModelRecipe, TrainingRecipe } from "../recipe/schema.js";
import { train } from "../train/train.js";
import type { TrainingResult } from "../train/types.js";
import { fingerprint, type RunContext } from "./context.js";
import type { Fitted } from "./fit.js";
import { NORMALISATION_KEY } from "./open-model.js";
import { type Prepared, prepareModel } from "./prepare.js";
import { noteTraining } from "./trainings.js";

export interface PeersRequest {
  readonly models: readonly ModelRecipe[];
  readonly training: TrainingRecipe;
  /** What one of them minimises; their number is filled in. */
  readonly objective: ObjectiveConfig;
  /** Their names, as rows have them. */
  readonly names: readonly string[];
  readonly samples: Uint32Array;
  readonly seed: number;
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
      seed: seed + i * context.recipe.seeds,
    }),
  );
  const settings = settingsOf(request.training, samples.length, seed, execution);
  const { threads: _, device: __, ...deciding } = settings;
  const { hash } = loaded.data;
  const print = fingerprint("peers", hash, samples, loaded.splits.validation, loaded.normalisation, models, objective, [
    deciding,
    context.recipe.seeds,
  ]);
  const id = `${print.slice(0, 10)}-seed${seed}`;
  const joined = joinPeers(prepared.map((p) => p.model));
  const result = await train(
    {
      name: `${models.length} students, seed ${seed}`,
      model: {
        ...joined,
        graph: withNormalisation(joined.graph, joined.input, loaded.normalisation, sampleTypeOf(loaded.data)),
      },
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
      checkpointSeconds: context.checkpointSeconds,
      onProgress: (progress) => context.emit({ kind: "training", progress }),
    },
  );
  context.warnings.push(...result.warnings);
  const fitted: Fitted[] = [];
  for (const [i, p] of prepared.entries())
    fitted.push(await exportPeer(context, request, { i, id: `student-${id}-peer${i + 1}`, prepared: p, result }));
  return fitted;
}

interface Peer {
  readonly i: number;
  readonly id: string;
  readonly prepared: Prepared;
  /** Of all of them together. */
  readonly result: TrainingResult;
}

async function exportPeer(
  context: RunContext,
  request: PeersRequest,
  { i, id, prepared, result }: Peer,
): Promise<Fitted> {
  const { loaded, recipe } = context;
  const directory = join(context.directory, "trainings", id);
  const weights = weightsOfPeer(result.weights, i);
  const { raw } = recipe.export;
  const bytes = writeModel(
    exportModel(prepared.model, weights, {
      normalisation: raw ? null : loaded.normalisation,
      classes: loaded.data.classes,
      producerVersion: packageVersion(),
      metadata: raw ? { [NORMALISATION_KEY]: JSON.stringify(loaded.normalisation) } : undefined,
    }),
  );
  const file = join(directory, "model.onnx");
  if (!existsSync(file) || !readFileSync(file).equals(bytes)) await writeFileAtomic(file, bytes);
  const own = {
    name: `${request.names[i]}, seed ${request.seed}`,
    role: "student" as const,
    model: request.models[i] as ModelRecipe,
    training: request.training,
    objective: request.objective,
    samples: request.samples,
    seed: request.seed,
  };
  await noteTraining(directory, own);
  const { architecture, parameters, macs } = prepared;
  return {
    request: own,
    id,
    directory,
    result: { ...result, weights, selection: `${result.selection}, mean of all ${request.models.length}` },
    file,
    expects: raw ? loaded.normalisation : null,
    fileBytes: bytes.length,
    architecture,
    parameters,
    macs,
  };
}
