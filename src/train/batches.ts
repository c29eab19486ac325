/** Turns step numbers into requests: every batch is a pure function of (task, step). */

import { type CompiledTraining, scalarsAt } from "../compile/compile.js";
import { FEATURE, LABELS, SAMPLES, TEACHER } from "../compile/step.js";
import { augmentInto, epochOrder, fillBatch } from "../data/loader.js";
import { allocateSamples } from "../data/samples.js";
import { InputError } from "../errors.js";
import { scheduledStep } from "../optim/schedule.js";
import type { BatchArray, StepRequest } from "../runtime/types.js";
import type { TeacherMember, TrainingTask } from "./types.js";

export interface BatchPlan {
  /** Micro-batch size: the recipe's, or smaller when the data is. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
}

/** The partial batch at the end of an epoch is dropped; data smaller than one update makes the batch smaller. */
export function planBatches(samples: number, batch: number, accumulate: number): BatchPlan {
  if (samples < accumulate) {
    throw new InputError(
      "training.accumulate",
      `${samples} training samples cannot fill ${accumulate} micro-batches; lower it or add data`,
    );
  }
  const fitted = Math.min(batch, Math.floor(samples / accumulate));
  return { batch: fitted, stepsPerEpoch: Math.floor(samples / (fitted * accumulate)) };
}

/** Makes the requests of a training. */
export class BatchMaker {
  #epoch = -1;
  #order: Uint32Array = new Uint32Array(0);

  constructor(
    private readonly task: TrainingTask,
    private readonly compiled: CompiledTraining,
    readonly plan: BatchPlan,
  ) {}

  /** Request of one update; step counts from 0. */
  request(step: number): StepRequest {
    const { settings } = this.task;
    const { batch, stepsPerEpoch } = this.plan;
    const epoch = Math.floor(step / stepsPerEpoch);
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(this.task.train, settings.seed, epoch);
      this.#epoch = epoch;
    }
    const first = (step % stepsPerEpoch) * batch * settings.accumulate;
    const micro = Array.from({ length: settings.accumulate }, (_, k) => {
      const from = first + k * batch;
      return this.#arrays(this.#order.subarray(from, from + batch), epoch);
    });
    return {
      micro,
      scalars: scalarsAt(this.compiled, step, settings.steps),
      ...scheduledStep(settings.schedule, step, settings.steps),
      diagnose:
        this.compiled.diagnostic !== undefined && settings.diagnoseEvery > 0 && step % settings.diagnoseEvery === 0,
    };
  }

  /** Bytes of one request: sizes the chunks that cross to the worker. */
  get bytes(): number {
    const width = { float32: 4, uint8: 1, int32: 4, int64: 8 };
    const one = this.compiled.step.batch.reduce(
      (sum, b) => sum + width[b.dtype] * b.shape.reduce((p, d) => p * d, 1),
      0,
    );
    return one * this.task.settings.accumulate;
  }

  #arrays(indices: Uint32Array, epoch: number): BatchArray[] {
    return this.compiled.step.batch.map((input) => {
      if (input.name === SAMPLES) return this.#samples(indices, epoch);
      if (input.name === LABELS) return labelsOf(this.task, indices);
      if (input.name === TEACHER && this.task.teacher) {
        const rows = new Float32Array(input.shape.reduce((p, d) => p * d, 1));
        const { members } = this.task.teacher;
        if (members) gatherMembers(members, indices, rows);
        else this.task.teacher.gather(indices, rows);
        return rows;
      }
      const feature =
        input.name.startsWith(FEATURE) && this.task.teacher?.features?.[Number(input.name.slice(FEATURE.length))];
      if (feature) {
        const rows = new Float32Array(input.shape.reduce((p, d) => p * d, 1));
        feature.gather(indices, rows);
        return rows;
      }
      throw new Error(`training step asks for an unknown input "${input.name}"`);
    });
  }

  #samples(indices: Uint32Array, epoch: number): BatchArray {
    const { data, settings } = this.task;
    const size = data.sampleShape.reduce((p, d) => p * d, 1);
    const out = allocateSamples(data.samples, indices.length * size);
    if (settings.augmentation) augmentInto(data, indices, settings.augmentation, settings.seed, epoch, out);
    else fillBatch(data, indices, out);
    return out;
  }
}

/** [batch, teachers, classes]. */
function gatherMembers(members: readonly TeacherMember[], indices: Uint32Array, out: Float32Array): void {
  const classes = out.length / (indices.length * members.length);
  const rows = new Float32Array(indices.length * classes);
  members.forEach((member, k) => {
    member.gather(indices, rows);
    for (let i = 0; i < indices.length; i++)
      out.set(rows.subarray(i * classes, (i + 1) * classes), (i * members.length + k) * classes);
  });
}

function labelsOf(task: TrainingTask, indices: Uint32Array): BigInt64Array {
  const labels = task.data.labels;
  return BigInt64Array.from(indices, (i) => {
    const label = labels ? (labels[i] as number) : -1;
    if (label < 0) throw new Error(`${task.name}: sample ${i} has no label, but the objective needs one`);
    return BigInt(label);
  });
}
