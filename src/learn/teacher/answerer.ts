/** Asks an open classifier about samples of a data set, in calls of a batch, and turns what comes into rows of the data's classes. */
import type { DataSet } from "../data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { InputError, InterruptedError } from "../../base/errors.js";
import { fromHalf } from "../../engine/graph/half.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import type { Tensor } from "../../engine/graph/types.js";
import { noun } from "../../base/noun.js";
import { type FeatureInfo, perSample } from "../../engine/objective/features.js";
import type { Session } from "../../engine/runtime/session-types.js";
import { feedsOf } from "./feeds.js";
import type { FeedPlan } from "./layout.js";
import { conditional, detectKind, twoClasses } from "./outputs.js";
import type { FullAnswers, Teacher } from "./types.js";

/** How a classifier is asked, and how what it gives is read. */
export interface Asking {
  /** Its file or name, for messages. */
  readonly path: string;
  readonly session: Session;
  readonly plan: FeedPlan;
  readonly output: string;
  /** Samples a call. */
  readonly batch: number;
  readonly normalisation: Normalisation;
  /** The model replaces missing values itself. */
  readonly takesMissing?: boolean;
  /** order[c]: the model's output that is class c of the data; null when they agree. */
  readonly order: readonly number[] | null;
  /** Classes that the model knows; undefined: not known yet. */
  readonly expected: number | undefined;
}

/** What the scores of a model look like, before they are the data's classes. */
export interface Scores {
  readonly values: Float32Array;
  /** Values a sample; 1: one value stands for two classes. */
  readonly width: number;
}

export class Answerer {
  constructor(readonly asking: Asking) {}

  with(changes: Partial<Asking>): Answerer {
    return new Answerer({ ...this.asking, ...changes });
  }

  /** The output's values as they are. @throws InputError when they are not a row of the classes a sample */
  async scores(data: DataSet, indices: Uint32Array): Promise<Scores> {
    const { values, width } = await this.#ask(data, indices, []);
    return { values, width };
  }

  /** Values a sample that these outputs give; null where they do not belong to samples. */
  async widths(data: DataSet, some: Uint32Array, outputs: readonly string[]): Promise<(number | null)[]> {
    const { session, plan, normalisation, takesMissing, batch } = this.asking;
    const indices = padded(some, plan.fixedBatch ?? Math.min(batch, some.length));
    const results = await session.run(feedsOf(data, indices, plan, normalisation, takesMissing), outputs);
    return outputs.map((name) => {
      const { shape } = results[name] as Tensor;
      return shape[0] === indices.length && shape.length <= 2 ? (shape[1] ?? 1) : null;
    });
  }

  /** Rows of the data's classes. @param kind what the scores are */
  rows({ values, width }: Scores, kind: Teacher["kind"]): Float32Array {
    const { order } = this.asking;
    const [whole, wide] = width === 1 ? [twoClasses(values, kind), 2] : [values, width];
    if (!order) return whole;
    const classes = order.length;
    const out = new Float32Array((whole.length / wide) * classes);
    for (let i = 0; i < whole.length / wide; i++)
      for (let c = 0; c < classes; c++) out[i * classes + c] = whole[i * wide + (order[c] as number)] as number;
    // Of a softmax over more classes than are kept, what is kept no longer sums to 1.
    if (kind === "probabilities" && classes < wide) conditional(out, classes);
    return out;
  }

  /** Answers, inner values [indices.length, ...shape] and the shapes of one sample. */
  async answer(
    data: DataSet,
    indices: Uint32Array,
    kind: Teacher["kind"],
    features: readonly FeatureInfo[] = [],
    signal?: AbortSignal,
  ): Promise<FullAnswers & { readonly shapes: readonly (readonly number[])[] }> {
    const { values, width, inner, shapes } = await this.#ask(data, indices, features, signal);
    return { answers: this.rows({ values, width }, kind), features: inner, shapes };
  }

  async #ask(
    data: DataSet,
    indices: Uint32Array,
    features: readonly FeatureInfo[],
    signal?: AbortSignal,
  ): Promise<Scores & { readonly inner: Float32Array[]; readonly shapes: readonly (readonly number[])[] }> {
    const batch = this.asking.plan.fixedBatch ?? this.asking.batch;
    const parts: Float32Array[][] = [];
    let shapes: readonly (readonly number[])[] = [];
    for (let from = 0; from < indices.length; from += batch) {
      if (signal?.aborted) throw new InterruptedError(`asking ${this.asking.path}: stopped`);
      const called = await this.#call(data, indices.subarray(from, from + batch), batch, features);
      parts.push([called.values, ...called.features.map((f) => f.values)]);
      shapes = called.features.map((f) => f.shape);
    }
    const [values, ...inner] = Array.from({ length: features.length + 1 }, (_, k) =>
      joined(parts.map((p) => p[k] as Float32Array)),
    );
    return { values: values as Float32Array, width: (values?.length ?? 0) / indices.length, inner, shapes };
  }

  async #call(
    data: DataSet,
    indices: Uint32Array,
    batch: number,
    features: readonly FeatureInfo[],
  ): Promise<{ values: Float32Array; features: readonly { values: Float32Array; shape: readonly number[] }[] }> {
    const { plan, output, session, normalisation, takesMissing } = this.asking;
    // A model with a fixed batch gets the last samples filled up with copies of the first; their answers are dropped.
    const all = padded(indices, plan.fixedBatch ? batch : indices.length);
    const wanted = [...new Set([output, ...features.map((f) => f.name)])];
    const results = await session.run(feedsOf(data, all, plan, normalisation, takesMissing), wanted);
    return {
      values: this.#scores(results[output] as Tensor, all.length, indices.length),
      features: features.map(({ name }) => {
        const result = results[name] as Tensor;
        const [, ...shape] = perSample(result.shape, all.length, name);
        return { values: floats(result).slice(0, indices.length * sizeOf(shape)), shape };
      }),
    };
  }

  #scores(result: Tensor, count: number, rows: number): Float32Array {
    const { path, output, expected } = this.asking;
    const values = floats(result);
    const width = values.length / count;
    // Of a single sample some models give [classes], without the batch.
    const fits = (result.shape[0] === count || count === 1) && Number.isInteger(width);
    const known = expected === undefined || width === expected || (width === 1 && expected === 2);
    if (fits && known) return values.slice(0, rows * width);
    const of = expected ?? "a number of";
    throw new InputError({
      code: "model-output",
      where: path,
      found: `its output "${output}" is [${result.shape}] for ${noun(count, "sample")}`,
      expected: `one row for each sample, with ${of} classes`,
      cure: "Name another output with teacher.output, or name the class of each value in order with teacher.classes",
    });
  }
}

/** What these scores are, going by their values. */
export const kindOf = ({ values, width }: Scores): Teacher["kind"] => detectKind(values, width);

const padded = (indices: Uint32Array, count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => indices[i] ?? (indices[0] as number));

const floats = ({ dtype, data }: Tensor): Float32Array =>
  dtype === "float16" ? fromHalf(data as Uint16Array) : Float32Array.from(data as ArrayLike<number>);

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((s, p) => s + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
