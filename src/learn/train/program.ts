/** What a training compiles of its task, and the state its first step starts from. */
import { type CompiledTraining, compileTraining } from "../../engine/compile/compile.js";
import type { Target } from "../../engine/compile/lower.js";
import { compileUpdate } from "../../engine/compile/update.js";
import { portsOf } from "../data/arrays.js";
import { InputError } from "../../base/errors.js";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { quote } from "../../base/quote.js";
import { averagedBuffers } from "../../engine/runtime/state.js";
import type { ExecutorConfig, ExecutorState } from "../../engine/runtime/types.js";
import { viewsOf } from "./batches.js";
import type { TrainingTask } from "./types.js";

/** Where the programs run. */
export interface ProgramTarget {
  /** What the graphs are lowered for. */
  readonly target: Target;
}

/**
 * The programs of a training.
 * @param batch samples of a micro-batch
 * @throws InputError when the task's parts do not go together
 */
export function compileTask(task: TrainingTask, batch: number, { target }: ProgramTarget): CompiledTraining {
  let different: number | undefined;
  return compileTraining({
    model: task.model,
    batch,
    inputs: portsOf(task.data, task.reads),
    classes: classesOf(task),
    objective: task.objective,
    teacherKind: blendsAnswers(task) ? "probabilities" : task.teacher?.kind,
    blended: viewsOf(task)?.blends,
    teacherMembers: task.teacher?.members?.map(({ kind, weight }) => ({ kind, weight })),
    teachersWeighed: task.teacher?.weigh !== undefined,
    teacherFeatures: task.teacher?.features,
    samples: () => (different ??= new Set(task.train).size),
    seed: task.settings.seed,
    recompute: task.settings.recompute,
    target,
  });
}

/** The programs with everything an executor needs besides its state. */
export function executorConfig({ settings }: TrainingTask, compiled: CompiledTraining): ExecutorConfig {
  const { step, evaluation, diagnostic } = compiled;
  const { rule, clipNorm, accumulate, average, seed, device, threads } = settings;
  const options = { rule, clipNorm, accumulate, averagedBuffers: average && averagedBuffers(step.buffers) };
  const update = device === "cpu" ? undefined : compileUpdate(step.parameters, options);
  return { step, evaluation, diagnostic, update, rule, clipNorm, accumulate, average, seed, device, threads };
}

/** The state of a training that begins: the model's weights, and where its losses start. */
export function initialState(task: TrainingTask, { connectors, states }: CompiledTraining): ExecutorState {
  const { parameters, buffers } = task.model;
  return {
    step: 0,
    parameters: new Map([...weightsOf(task, parameters), ...connectors]),
    buffers: new Map([...weightsOf(task, buffers), ...[...states].map(([name, start]) => [name, start()] as const)]),
    moments: new Map(),
  };
}

/**
 * Whether the teacher's answers are blended from those for unblended samples.
 * @throws InputError where what it says of the unchanged samples says nothing of their views
 */
function blendsAnswers(task: TrainingTask): boolean {
  const views = viewsOf(task);
  if (!task.teacher || !views || views.answers) return false;
  if (objectiveLayers(task.objective).length > 0)
    throw new InputError({
      code: "option-conflict",
      where: "training.augment",
      found: "losses between layers compare values of one image, and the teacher answers for the unchanged one",
      cure: "Let the teacher answer for the views, or remove the augmentation or the losses between layers",
    });
  if (!views.blends) return false;
  if (task.teacher.members)
    throw new InputError({
      code: "option-conflict",
      where: "training.augment",
      found: "mixup and cutmix blend a teacher's answers, and a mean of losses keeps those of each teacher",
      cure: "Set combine: mean-probabilities, or remove mixup and cutmix",
    });
  return true;
}

/** Number of classes of the data, from the model's output where that says it. */
export function classesOf(task: TrainingTask): number {
  const output = task.model.graph.outputs.find((o) => o.name === task.model.output);
  const last = output?.shape?.[output.shape.length - 1];
  if (typeof last === "number") return last / (task.objective.peers ?? 1);
  if (task.data.classes.length > 0) return task.data.classes.length;
  throw new InputError({
    code: "model-output",
    where: `output ${quote(task.model.output)}`,
    found: "its number of classes is unknown",
    cure: "Declare the shape of the output in the model",
  });
}

function weightsOf(task: TrainingTask, names: readonly string[]): Map<string, Float32Array> {
  return new Map(
    names.map((name) => {
      const tensor = task.model.graph.initializers.get(name);
      if (!(tensor?.data instanceof Float32Array))
        throw new InputError({
          code: "layer-missing",
          where: `parameter ${quote(name)}`,
          found: "the student has no float32 initialiser of that name",
          cure: "Name one that limbeck inspect lists",
        });
      return [name, Float32Array.from(tensor.data)];
    }),
  );
}
