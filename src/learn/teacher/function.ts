/** A function as a teacher: a model behind an interface of your own, a service, rules. It runs in the caller's thread. */
import type { AnswerKind, Answers } from "./endpoint/answer-rows.js";
import { fillBatch } from "../data/read.js";
import { allocateSamples } from "../data/samples.js";
import type { DataSet } from "../data/types.js";
import type { SampleArray } from "../../engine/graph/samples.js";
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { writeAnswers } from "./endpoint/answer-rows.js";
import { persistently, type RetryOptions, sleep } from "./endpoint/retry.js";
import type { Teacher } from "./types.js";

export { AskError } from "./endpoint/retry.js";

/** What a function is asked about: raw samples, row-major. */
export interface Question {
  /** [count, ...shape]. */
  readonly samples: SampleArray;
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** Places of the samples in the data set. */
  readonly indices: Uint32Array;
  /** Aborts when the call has taken too long, or when the work is stopped. */
  readonly signal: AbortSignal;
}

export interface FunctionTeacherOptions extends RetryOptions {
  /** Part of what a label store is tied to: change it when the function answers differently. Default "1". */
  readonly version?: string;
  readonly classes: number;
  readonly answers: AnswerKind;
  /** Samples a call takes at most; default 64. */
  readonly batch?: number;
  /** At most so many calls a second; default no limit. */
  readonly callsPerSecond?: number;
  ask(question: Question): Promise<Answers> | Answers;
}

/**
 * Makes a teacher of a function. A label store writes its answers down as they come, so that a killed labelling goes on
 * where it stopped.
 * @throws InputError when an option makes no sense; `answer` throws InputError for answers that cannot be used, RunError when
 * the function goes on failing or asks for too long a wait, InterruptedError as soon as its signal aborts
 */
export function functionTeacher(options: FunctionTeacherOptions): Teacher {
  const { name, version = "1", classes, answers, batch = 64, callsPerSecond = Number.POSITIVE_INFINITY } = options;
  checkOptions(options, { classes, batch, callsPerSecond });
  let free = 0;
  return {
    name,
    hash: `function ${name} ${version}`,
    preprocessing: `raw, ${answers}`,
    kind: answers === "logits" || answers === "log-probabilities" ? "logits" : "probabilities",
    classes,
    batch,
    block: batch,
    parameters: null,
    bytes: 0,
    notes: answers === "labels" ? ["it names classes only: its answers carry no dark knowledge"] : [],
    async answer(data: DataSet, indices: Uint32Array, signal?: AbortSignal): Promise<Float32Array> {
      const out = new Float32Array(indices.length * classes);
      const size = sizeOf(data.sampleShape);
      for (let at = 0; at < indices.length; at += batch) {
        const part = indices.subarray(at, at + batch);
        const samples = allocateSamples(data.samples, part.length * size);
        fillBatch(data, part, samples);
        await sleep(free - performance.now(), signal);
        free = performance.now() + 1000 / callsPerSecond;
        const asked = { samples, count: part.length, shape: data.sampleShape, indices: part };
        const ask = (signal: AbortSignal) => options.ask({ ...asked, signal });
        writeAnswers(
          await persistently(options, ask, signal),
          { name, classes, answers },
          part,
          out.subarray(at * classes),
        );
      }
      return out;
    },
    async dispose() {},
  };
}

function checkOptions(
  { answers, retries = 0, retryMs = 0, timeoutSeconds = 60, maxWaitSeconds = 0 }: FunctionTeacherOptions,
  { classes, batch, callsPerSecond }: Readonly<Record<"classes" | "batch" | "callsPerSecond", number>>,
): void {
  const check = (field: string, value: unknown, fits: boolean, expected: string): void => {
    if (!fits)
      throw new InputError({
        code: "option-invalid",
        where: `functionTeacher.${field}`,
        found: `found ${quote(value)}`,
        expected,
      });
  };
  for (const [field, value] of Object.entries({ classes, batch }))
    check(field, value, Number.isInteger(value) && value >= 1, "a whole number of at least 1");
  check("answers", answers, KINDS.has(answers), `one of ${[...KINDS].join(", ")}`);
  for (const [field, value] of Object.entries({ callsPerSecond, timeoutSeconds }))
    check(field, value, value > 0, "a number above 0");
  check("retries", retries, Number.isInteger(retries) && retries >= 0, "a whole number of at least 0");
  for (const [field, value] of Object.entries({ retryMs, maxWaitSeconds }))
    check(field, value, value >= 0, "a number of at least 0");
}

const KINDS: ReadonlySet<AnswerKind> = new Set(["logits", "probabilities", "log-probabilities", "labels", "top-k"]);
