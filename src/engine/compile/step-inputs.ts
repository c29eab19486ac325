/** The inputs of a training step besides weights, masks and scalars: each is made when the objective first asks for it. */

import type { GraphBuilder, Value } from "../graph/builder.js";
import type { SampleType } from "../graph/samples.js";
import { int64s, isFloat, scalar } from "../graph/tensor.js";
import type { TrainableModel } from "../graph/trainable-model.js";
import type { DType, Graph } from "../graph/types.js";
import { type FeatureInfo, pairFeatures, perSample } from "../objective/features.js";
import type { FeatureValues, LayerPair } from "../objective/objective.js";
import type { Blend, TeacherValues } from "../objective/types.js";
import { reshape } from "../ops/support.js";
import type { BatchInput } from "../runtime/types.js";

export interface InputOptions {
  readonly batch: number;
  /** What each of the model's inputs is fed, in their order. */
  readonly inputs: readonly StepPort[];
  readonly classes: number;
  /** What the teacher's outputs are; absent: no teacher term. */
  readonly teacherKind?: "logits" | "probabilities";
  /** Several teachers whose losses are averaged: then the teacher's input is [batch, teachers, classes]. */
  readonly teacherMembers?: readonly { readonly kind: "logits" | "probabilities"; readonly weight: number }[];
  /** Whether these weigh differently from sample to sample: then their weights are an input, [batch, teachers]. */
  readonly teachersWeighed?: boolean;
  /** Inner values of the teacher that can be fed, with the shape of one sample. */
  readonly teacherFeatures?: readonly TeacherFeature[];
  /** Whether samples are blends of two (mixup, cutmix): then losses on labels read both. */
  readonly blended?: boolean;
}

/** An array of the samples as a step takes it. */
export interface StepPort {
  /** Of one sample. */
  readonly shape: readonly number[];
  /** Of the raw samples. */
  readonly dtype: SampleType;
}

/** An inner value of the teacher, known for every sample. */
export interface TeacherFeature extends FeatureInfo {
  /** Of one sample. */
  readonly shape: readonly number[];
}

/** Names of the batch inputs; a student may use any names but these. */
export const SAMPLES = "step/samples";
export const LABELS = "step/labels";
export const TEACHER = "step/teacher";
/** float32 [batch, teachers]: what each of several teachers counts for each sample. */
export const TEACHER_WEIGHTS = "step/teacher-weights";
/** Of samples blended of two: the other one's label, and the first one's share. */
export const BLEND_LABELS = "step/blend/labels";
export const BLEND_SHARE = "step/blend/share";
/** With the place in `teacherFeatures` behind it. */
export const FEATURE = "step/feature/";
/** int64 [batch]: the batch's samples as numbers among the training samples. */
export const ROWS = "step/rows";
/** int64 [count]: numbers of other training samples; with the name of who draws behind it. */
export const OTHERS = "step/others/";

/** The batch input of the model's i-th input. */
export const samplesName = (i: number): string => (i === 0 ? SAMPLES : `${SAMPLES}/${i}`);

/** What a step reads of its batch. An objective without labels has no labels input. */
export class StepInputs {
  /** One for each input of the model. */
  readonly samples: readonly Value[];
  readonly #inputs: BatchInput[] = [];

  constructor(
    private readonly b: GraphBuilder,
    private readonly options: InputOptions,
  ) {
    this.samples = options.inputs.map(({ shape, dtype }, i) =>
      this.input(samplesName(i), [options.batch, ...shape], dtype),
    );
  }

  /** The inputs made, in the order in which batches give their arrays. */
  get made(): BatchInput[] {
    const features = (this.options.teacherFeatures ?? []).map((_, i) => FEATURE + i);
    const others = this.#inputs.map((i) => i.name).filter((id) => id.startsWith(OTHERS));
    const samples = this.options.inputs.map((_, i) => samplesName(i));
    const order = [
      ...samples,
      LABELS,
      BLEND_LABELS,
      BLEND_SHARE,
      TEACHER,
      TEACHER_WEIGHTS,
      ...features,
      ROWS,
      ...others,
    ];
    return [...this.#inputs].sort((p, q) => order.indexOf(p.name) - order.indexOf(q.name));
  }

  /** The input of this name, which is made where there is none. */
  input(name: string, shape: readonly number[], dtype: BatchInput["dtype"] = "int64"): Value {
    const existing = this.b.find(name);
    if (existing) return existing;
    this.#inputs.push({ name, dtype, shape });
    return this.b.input(name, dtype satisfies DType, shape);
  }

  get labels(): Value {
    return this.input(LABELS, [this.options.batch]);
  }

  get blend(): Blend | undefined {
    const { blended, batch } = this.options;
    if (!blended) return undefined;
    return { labels: this.input(BLEND_LABELS, [batch]), share: this.input(BLEND_SHARE, [batch, 1], "float32") };
  }

  get teacher(): TeacherValues | undefined {
    const { b } = this;
    const { teacherKind, teacherMembers, teachersWeighed, batch, classes } = this.options;
    if (!teacherKind) return undefined;
    const shape = teacherMembers ? [batch, teacherMembers.length, classes] : [batch, classes];
    const values = this.input(TEACHER, shape, "float32");
    if (!teacherMembers) return { values, kind: teacherKind };
    const weights = teachersWeighed ? this.input(TEACHER_WEIGHTS, [batch, teacherMembers.length], "float32") : null;
    const members = teacherMembers.map((member, k) => ({
      ...member,
      weight: weights
        ? b.op("Gather", [weights, b.constant(int64s([k]))], { axis: { kind: "int", value: 1 } })
        : member.weight,
      values: b.op("Gather", [values, b.constant(scalar(k, "int64"))], { axis: { kind: "int", value: 1 } }),
    }));
    return { ...(members[0] as TeacherValues), members };
  }

  /** The student's values of these layers and the teacher's. @param values of the student's graph, by name */
  features(
    { graph }: TrainableModel,
    values: ReadonlyMap<string, Value>,
    layers: readonly LayerPair[],
  ): FeatureValues[] {
    const { batch, teacherFeatures = [] } = this.options;
    const inside = studentFeatures(graph, values);
    return layers.flatMap((layer) =>
      pairFeatures(layer, inside, teacherFeatures).map(([own, given]): FeatureValues => {
        const name = FEATURE + teacherFeatures.indexOf(given);
        return {
          student: reshape(this.b, own.value, perSample(own.value.shape, batch, own.name)),
          teacher: this.input(name, [batch, ...given.shape], "float32"),
          names: { student: own.name, teacher: given.name },
        };
      }),
    );
  }
}

/** Every float output of a node of the student. */
function studentFeatures(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
): (FeatureInfo & { readonly value: Value })[] {
  return graph.nodes.flatMap((node) =>
    node.outputs.flatMap((name, i) => {
      const value = values.get(name);
      return value && isFloat(value.dtype) ? [{ name, node: i === 0 ? node.name : "", value }] : [];
    }),
  );
}
