/** A function as a teacher: a model behind an interface of your own, a service, rules. It runs in the caller's thread. */
import { fillBatch } from "../data/read.js";
import { allocateSamples } from "../data/samples.js";
import type { DataSet, SampleArray } from "../data/types.js";
import { InputError, RunError } from "../errors.js";
import type { Teacher } from "./types.js";

/** What a function is asked about: raw samples, row-major. */
export interface Question {
  /** [count, ...shape]. */
  readonly samples: SampleArray;
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** Places of the samples in the data set. */
  readonly indices: Uint32Array;
  /** Aborts when the call has taken too long. */
  readonly signal: AbortSignal;
}

/** The best classes of one sample with their probabilities. */
export interface TopK {
  readonly classes: readonly number[];
  readonly probabilities: readonly number[];
}

/**
 * What the function's answers are, a row a sample: logits, probabilities or log-probabilities of every class; the number of
 * one class; or the best classes with their probabilities, whose missing mass is spread evenly over the other classes.
 */
export type AnswerKind = "logits" | "probabilities" | "log-probabilities" | "labels" | "top-k";

export type Answers = readonly (readonly number[] | Float32Array)[] | readonly number[] | readonly TopK[];

export interface FunctionTeacherOptions {
  readonly name: string;
  /** Part of what a label store is tied to: change it when the function answers differently. Default "1". */
  readonly version?: string;
  readonly classes: number;
  readonly answers: AnswerKind;
  /** Samples a call takes at most; default 64. */
  readonly batch?: number;
  /** At most so many calls a second; default no limit. */
  readonly callsPerSecond?: number;
  /** Further tries after a failure, each after twice the wait of the one before; default 4. */
  readonly retries?: number;
  /** Wait before the first of them; default 500. */
  readonly retryMs?: number;
  /** After which a call counts as failed; default 60. */
  readonly timeoutSeconds?: number;
  ask(question: Question): Promise<Answers> | Answers;
}

/** A failure that says itself how long to wait before another try, or that none will help. */
export class AskError extends Error {
  constructor(
    message: string,
    readonly retry: { readonly afterMs?: number } | null,
  ) {
    super(message);
  }
}

/**
 * Makes a teacher of a function. A label store writes its answers down as they come, so that a killed labelling goes on
 * where it stopped.
 * @throws InputError when an option makes no sense; `answer` throws InputError for answers that are none, RunError when the
 * function goes on failing
 */
export function functionTeacher(options: FunctionTeacherOptions): Teacher {
  const { name, version = "1", classes, answers, batch = 64, callsPerSecond = Number.POSITIVE_INFINITY } = options;
  for (const [field, value] of Object.entries({ classes, batch }))
    if (!Number.isInteger(value) || value < 1)
      throw new InputError(`functionTeacher.${field}`, `found ${value}; expected a whole number of at least 1`);
  if (!(callsPerSecond > 0))
    throw new InputError("functionTeacher.callsPerSecond", `found ${callsPerSecond}; expected a number above 0`);
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
    async answer(data: DataSet, indices: Uint32Array): Promise<Float32Array> {
      const out = new Float32Array(indices.length * classes);
      const size = data.sampleShape.reduce((p, d) => p * d, 1);
      for (let at = 0; at < indices.length; at += batch) {
        const part = indices.subarray(at, at + batch);
        const samples = allocateSamples(data.samples, part.length * size);
        fillBatch(data, part, samples);
        const wait = free - performance.now();
        if (wait > 0) await sleep(wait);
        free = performance.now() + 1000 / callsPerSecond;
        const asked = { samples, count: part.length, shape: data.sampleShape, indices: part };
        writeAnswers(await persistently(options, asked), options, part, out.subarray(at * classes));
      }
      return out;
    },
    async dispose() {},
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function persistently(options: FunctionTeacherOptions, asked: Omit<Question, "signal">): Promise<Answers> {
  const { name, retries = 4, retryMs = 500, timeoutSeconds = 60 } = options;
  for (let tried = 0; ; tried++) {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        controller.abort();
        reject(new AskError(`no answer within ${timeoutSeconds} s`, {}));
      }, timeoutSeconds * 1000);
    });
    try {
      return await Promise.race([options.ask({ ...asked, signal: controller.signal }), late]);
    } catch (cause) {
      if (cause instanceof InputError) throw cause;
      const retry = cause instanceof AskError ? cause.retry : {};
      if (!retry || tried >= retries) {
        const times = tried > 0 ? ` after ${tried + 1} tries` : "";
        throw new RunError(`the teacher ${name} failed${times}: ${(cause as Error).message}`, { cause });
      }
      await sleep(retry.afterMs ?? retryMs * 2 ** tried);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Checks the answers and writes them as rows of logits or probabilities. */
function writeAnswers(
  answers: Answers,
  { name, classes, answers: kind }: FunctionTeacherOptions,
  indices: Uint32Array,
  out: Float32Array,
): void {
  const bad = (i: number, problem: string): InputError =>
    new InputError(name, `the answer to sample ${indices[i]} ${problem}`);
  if (!Array.isArray(answers) || answers.length !== indices.length)
    throw new InputError(
      name,
      `it gives ${Array.isArray(answers) ? `${answers.length} answers` : typeof answers} to ${indices.length} samples; expected a list with one answer a sample`,
    );
  const isClass = (c: unknown): c is number => Number.isInteger(c) && (c as number) >= 0 && (c as number) < classes;
  answers.forEach((answer: unknown, i) => {
    const row = out.subarray(i * classes, (i + 1) * classes);
    if (kind === "labels") {
      if (!isClass(answer)) throw bad(i, `is ${answer}; expected a class number from 0 to ${classes - 1}`);
      row[answer] = 1;
    } else if (kind === "top-k") {
      const { classes: best, probabilities } = (answer ?? {}) as Partial<TopK>;
      if (!best || !probabilities || best.length !== probabilities.length || !best.every(isClass))
        throw bad(
          i,
          `is ${JSON.stringify(answer)}; expected { classes, probabilities } of one length, numbers of classes below ${classes}`,
        );
      if (new Set(best).size !== best.length) throw bad(i, `names a class twice: ${best.join(", ")}`);
      const mass = probabilities.reduce((a, p) => a + p, 0);
      if (!probabilities.every((p) => p >= 0) || mass > 1 + 1e-4)
        throw bad(i, `has probabilities that sum to ${mass}; expected numbers >= 0 that sum to at most 1`);
      if (best.length < classes) row.fill(Math.max(0, 1 - mass) / (classes - best.length));
      best.forEach((c, j) => {
        row[c] = probabilities[j] as number;
      });
    } else {
      const values = answer as ArrayLike<number>;
      if (values?.length !== classes) throw bad(i, `has ${values?.length ?? 0} values; expected ${classes}`);
      row.set(values);
      if (!row.every(Number.isFinite)) throw bad(i, "holds something that is not a finite number");
      const sum = row.reduce((a, v) => a + v, 0);
      if (kind === "probabilities" && (row.some((v) => v < 0) || Math.abs(sum - 1) > 1e-3))
        throw bad(i, `sums to ${sum}; expected probabilities. Say what the answers are: logits or log-probabilities`);
    }
  });
}
