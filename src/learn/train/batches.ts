/** Turns step numbers into requests: every batch is a pure function of (task, step). */

import { type CompiledTraining, scalarsAt } from "../../engine/compile/compile.js";
import {
  BLEND_LABELS,
  BLEND_SHARE,
  FEATURE,
  LABELS,
  OTHERS,
  ROWS,
  SAMPLES,
  samplesName,
  TEACHER,
  TEACHER_WEIGHTS,
} from "../../engine/compile/step.js";
import { epochOrder } from "../data/order.js";
import { namedArrays } from "../data/arrays.js";
import { fillBatch } from "../data/read.js";
import { allocateSamples } from "../data/samples.js";
import type { NamedSamples } from "../data/types.js";
import { type BlendedWith, drawnViews } from "../data/views.js";
import type { SampleArray } from "../../engine/graph/samples.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { scheduledStep } from "../../engine/optim/schedule.js";
import { Random } from "../../engine/random/random.js";
import type { BatchArray, BatchInput, StepRequest } from "../../engine/runtime/types.js";
import { drawnMember } from "../teacher/group/draw.js";
import { gathered, sideBySide } from "../teacher/group/member-outputs.js";
import { blendedAnswers } from "./blends.js";
import { drawOthers } from "./others.js";
import type { TrainingTask } from "./types.js";
import type { TrainingViews, ViewAnswers } from "../teacher/taught.js";

export interface BatchPlan {
  /** Micro-batch size: the recipe's, or smaller when the data is. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
}

/** The partial batch at the end of an epoch is dropped; data smaller than one update makes the batch smaller. */
export function planBatches(samples: number, batch: number, accumulate: number): BatchPlan {
  if (samples < accumulate) {
    throw new InputError({
      code: "budget-invalid",
      where: "training.accumulate",
      found: `${noun(samples, "training sample")} cannot fill ${noun(accumulate, "micro-batch")}`,
      expected: "at least one sample per micro-batch",
      cure: "Lower accumulate, or add data",
    });
  }
  const fitted = Math.min(batch, Math.floor(samples / accumulate));
  return { batch: fitted, stepsPerEpoch: Math.floor(samples / (fitted * accumulate)) };
}

/** The views of a training; null when it sees the samples as they are. */
export function viewsOf({ views, settings, data, train }: TrainingTask): TrainingViews | null {
  if (views) return views;
  return settings.augmentation ? drawnViews(data, settings.augmentation, settings.seed, train) : null;
}

/** Makes the requests of a training. */
export class BatchMaker {
  #epoch = -1;
  #order: Uint32Array = new Uint32Array(0);
  readonly #views: TrainingViews | null;
  /** Number of each sample among the different training samples, in their order; made on first use. */
  #places: Map<number, number> | undefined;

  constructor(
    private readonly task: TrainingTask,
    private readonly compiled: CompiledTraining,
    readonly plan: BatchPlan,
  ) {
    this.#views = viewsOf(task);
  }

  /** Request of one update; step counts from 0. */
  async request(step: number): Promise<StepRequest> {
    const { settings } = this.task;
    const { batch, stepsPerEpoch } = this.plan;
    const epoch = Math.floor(step / stepsPerEpoch);
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(this.task.train, settings.seed, epoch, this.task.data.blocks);
      this.#epoch = epoch;
    }
    const order = this.#order;
    const first = (step % stepsPerEpoch) * batch * settings.accumulate;
    const micro: BatchArray[][] = [];
    for (let k = 0; k < settings.accumulate; k++) {
      const from = first + k * batch;
      micro.push(await this.#arrays(order.subarray(from, from + batch), epoch, step, k));
    }
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
    const one = this.compiled.step.batch.reduce((sum, b) => sum + width[b.dtype] * sizeOf(b.shape), 0);
    return one * this.task.settings.accumulate;
  }

  async #arrays(indices: Uint32Array, epoch: number, step: number, k: number): Promise<BatchArray[]> {
    const { data, reads } = this.task;
    const [main, ...others] = namedArrays(data, reads) as [NamedSamples, ...NamedSamples[]];
    const samples = allocateSamples(main.samples, indices.length * sizeOf(main.sampleShape));
    let blends: BlendedWith | null = null;
    if (this.#views) blends = this.#views.render(indices, epoch, samples);
    else fillBatch(main, indices, samples);
    const asked = this.compiled.step.batch.some((i) => i.name === TEACHER || i.name.startsWith(FEATURE));
    const answers = asked ? await this.#views?.answers?.(indices, epoch, samples, step) : undefined;
    return this.compiled.step.batch.map((input) => {
      if (input.name === SAMPLES) return samples;
      if (input.name.startsWith(SAMPLES)) return rowsOf(others, input.name, indices);
      if (input.name === LABELS) return labelsOf(this.task, indices);
      if (input.name === BLEND_LABELS && blends) return labelsOf(this.task, blends.partners);
      if (input.name === BLEND_SHARE && blends) return blends.shares;
      if (input.name === ROWS) return BigInt64Array.from(this.#rows(indices), BigInt);
      if (input.name.startsWith(OTHERS)) return this.#others(input, indices, step, k);
      if (input.name === TEACHER_WEIGHTS) return answers?.weights ?? this.#teacherWeights(input, indices);
      return this.#teacherRows(input, indices, step, blends, answers);
    });
  }

  /** Numbers of the batch's samples among the training samples. */
  #rows(indices: Uint32Array): Uint32Array {
    this.#places ??= new Map([...new Set(this.task.train)].map((sample, place) => [sample, place]));
    return indices.map((sample) => this.#places?.get(sample) as number);
  }

  #others({ name, shape }: BatchInput, indices: Uint32Array, step: number, k: number): BatchArray {
    const { accumulate, seed } = this.task.settings;
    const rows = this.#rows(indices);
    const random = new Random(seed, name);
    return drawOthers(random, rows, this.#places?.size ?? 0, shape[0] as number, step * accumulate + k);
  }

  #teacherWeights({ shape }: BatchInput, indices: Uint32Array): Float32Array {
    const out = new Float32Array(sizeOf(shape));
    this.task.teacher?.weigh?.(indices, out);
    return out;
  }

  /** The teacher's answers, or one of its inner values. */
  #teacherRows(
    { name, shape }: BatchInput,
    indices: Uint32Array,
    step: number,
    blends: BlendedWith | null,
    seen: ViewAnswers | undefined,
  ): BatchArray {
    const { teacher } = this.task;
    const rows = new Float32Array(sizeOf(shape));
    if (name === TEACHER && teacher) {
      if (seen) return seen.answers;
      const one = teacher.drawn ? drawnMember(teacher.drawn, this.task.settings.seed, step) : teacher;
      const classes = shape[shape.length - 1] as number;
      if (blends) return blendedAnswers(one, indices, blends, classes);
      if (teacher.members) return sideBySide(gathered(teacher.members, indices, classes), classes);
      one.gather(indices, rows);
      return rows;
    }
    const place = name.startsWith(FEATURE) ? Number(name.slice(FEATURE.length)) : -1;
    const feature = teacher?.features?.[place];
    if (!feature) throw new Error(`training step asks for an unknown input "${name}"`);
    if (seen) return seen.features[place] as Float32Array;
    feature.gather(indices, rows);
    return rows;
  }
}

/** Rows of the array behind a batch input that is not the first. */
function rowsOf(others: readonly NamedSamples[], name: string, indices: Uint32Array): SampleArray {
  const array = others.find((_, i) => samplesName(i + 1) === name) as NamedSamples;
  const out = allocateSamples(array.samples, indices.length * sizeOf(array.sampleShape));
  fillBatch(array, indices, out);
  return out;
}

function labelsOf(task: TrainingTask, indices: Uint32Array): BigInt64Array {
  const labels = task.data.labels;
  return BigInt64Array.from(indices, (i) => {
    const label = labels ? (labels[i] as number) : -1;
    if (label < 0)
      throw new InputError({
        code: "labels-missing",
        where: task.name,
        found: `sample ${i} has no label, and the objective needs one`,
        cure: "Train on the labelled samples alone, or use a loss against the teacher with alpha 1",
      });
    return BigInt(label);
  });
}
