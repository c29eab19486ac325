/** What a function or an endpoint answered: checked value by value, then written as rows of logits or probabilities. */
import { InputError } from "../../../base/errors.js";
import { quote } from "../../../base/quote.js";

/** The best classes of one sample with their probabilities. */
export interface TopK {
  readonly classes: readonly number[];
  readonly probabilities: readonly number[];
}

/**
 * What the function's answers are, one for each sample: logits, probabilities or natural log-probabilities of every class;
 * the number of one class; or the best classes with their probabilities, whose missing mass is spread evenly over the others.
 */
export type AnswerKind = "logits" | "probabilities" | "log-probabilities" | "labels" | "top-k";

export type Answers = readonly (readonly number[] | Float32Array)[] | readonly number[] | readonly TopK[];

/** Whose answers they are, and what they are meant to be. */
export interface Answering {
  readonly name: string;
  readonly classes: number;
  readonly answers: AnswerKind;
}

/** How far a sum of probabilities may be from 1. */
const SUM = 1e-3;
/** The same for logarithms, which are often rounded. */
const LOG_SUM = 1e-2;

/**
 * @param indices the samples asked about
 * @param out rows of these samples, in their order
 * @throws InputError naming the sample whose answer cannot be used
 */
export function writeAnswers(answers: unknown, asked: Answering, indices: Uint32Array, out: Float32Array): void {
  checkCount(answers, asked, indices);
  const write = WRITERS[asked.answers];
  // Not forEach: it skips what a sparse list lacks.
  for (let i = 0; i < answers.length; i++) {
    const row = out.subarray(i * asked.classes, (i + 1) * asked.classes);
    write(answers[i], row, (found, expected, cure) => {
      const fault = { code: "endpoint-answer", where: asked.name, expected, cure } as const;
      return new InputError({ ...fault, found: `the answer to sample ${indices[i]} ${found}` });
    });
  }
}

function checkCount(answers: unknown, { name }: Answering, indices: Uint32Array): asserts answers is unknown[] {
  const wanted = indices.length;
  const expected = `a list of ${wanted}, one answer for each sample`;
  const refuse = (found: string): InputError =>
    new InputError({ code: "endpoint-answer", where: name, found, expected });
  if (!Array.isArray(answers))
    throw refuse(`it gives ${shown(answers)} for ${wanted} samples, from sample ${indices[0]} on`);
  const given = answers.length;
  if (given < wanted)
    throw refuse(`it gives ${given} answers for ${wanted} samples: sample ${indices[given]} has none`);
  if (given > wanted)
    throw refuse(`it gives ${given} answers for ${wanted} samples, the last of which is sample ${indices[wanted - 1]}`);
}

type Refuse = (found: string, expected: string, cure?: string) => InputError;
type Writer = (answer: unknown, row: Float32Array, refuse: Refuse) => void;

const WRITERS: Readonly<Record<AnswerKind, Writer>> = {
  logits(answer, row, refuse) {
    row.set(numbersOf(answer, row.length, refuse));
  },
  probabilities(answer, row, refuse) {
    const values = numbersOf(answer, row.length, refuse);
    const expected = "probabilities: numbers of at least 0 that sum to 1";
    const cure = "If the answers are logits or log-probabilities, say so in answers";
    const least = indexOf(values, (v) => v < 0);
    if (least >= 0) throw refuse(`holds ${values[least]} as value ${least}`, expected, cure);
    const sum = sumOf(values, (v) => v);
    if (Math.abs(sum - 1) > SUM) throw refuse(`sums to ${rounded(sum)}`, expected, cure);
    for (let c = 0; c < row.length; c++) row[c] = (values[c] as number) + 0;
  },
  "log-probabilities"(answer, row, refuse) {
    const values = numbersOf(answer, row.length, refuse);
    const expected = "natural logarithms of probabilities: numbers of at most 0 whose exponentials sum to 1";
    const cure = "If the answers are logits or probabilities, say so in answers";
    const most = indexOf(values, (v) => v > SUM);
    if (most >= 0) throw refuse(`holds ${values[most]} as value ${most}`, expected, cure);
    const sum = sumOf(values, Math.exp);
    if (Math.abs(sum - 1) > LOG_SUM) throw refuse(`has exponentials that sum to ${rounded(sum)}`, expected, cure);
    row.set(values);
  },
  labels(answer, row, refuse) {
    if (!isClass(answer, row.length)) throw refuse(`is ${shown(answer)}`, classNumbers(row.length));
    row.fill(0);
    row[answer] = 1;
  },
  "top-k"(answer, row, refuse) {
    const { classes, probabilities, mass } = bestOf(answer, row.length, refuse);
    if (classes.length < row.length) row.fill(Math.max(0, 1 - mass) / (row.length - classes.length));
    for (let j = 0; j < classes.length; j++) row[classes[j] as number] = probabilities[j] as number;
  },
};

const classNumbers = (classes: number): string => `a class number from 0 to ${classes - 1}`;

function bestOf(answer: unknown, classes: number, refuse: Refuse) {
  const expected = "{ classes, probabilities }: two lists of one length";
  if (typeof answer !== "object" || answer === null || isList(answer)) throw refuse(`is ${shown(answer)}`, expected);
  const { classes: best, probabilities } = answer as Readonly<Record<string, unknown>>;
  if (!isList(best)) throw refuse(`has ${shown(best)} as classes`, expected);
  if (!isList(probabilities)) throw refuse(`has ${shown(probabilities)} as probabilities`, expected);
  if (best.length !== probabilities.length || best.length === 0)
    throw refuse(`has ${best.length} classes and ${probabilities.length} probabilities`, `${expected}, at least 1`);
  const unknown = indexOf(best, (c) => !isClass(c, classes));
  if (unknown >= 0) throw refuse(`names the class ${shown(best[unknown])}`, classNumbers(classes));
  if (new Set(Array.from(best)).size < best.length) throw refuse("names a class twice", "each class at most once");
  const wrong = indexOf(probabilities, (p) => typeof p !== "number" || !(p >= 0 && p <= 1 + SUM));
  if (wrong >= 0) throw refuse(`holds ${shown(probabilities[wrong])} as a probability`, "numbers from 0 to 1");
  const given = probabilities as ArrayLike<number>;
  const mass = sumOf(given, (p) => p);
  const all = best.length === classes;
  if (mass > 1 + 1e-4 || (all && mass < 1 - SUM))
    throw refuse(`has probabilities that sum to ${rounded(mass)}`, all ? "a sum of 1" : "a sum of at most 1");
  return { classes: best as ArrayLike<number>, probabilities: given, mass };
}

/** The values of a row. @throws when they are not so many finite numbers */
function numbersOf(answer: unknown, count: number, refuse: Refuse): ArrayLike<number> {
  const expected = `${count} finite numbers, one for each class`;
  if (!isList(answer)) throw refuse(`is ${shown(answer)}`, expected);
  if (answer.length !== count) throw refuse(`has ${answer.length} values`, expected);
  // What float32 cannot hold would become infinite.
  const wrong = indexOf(answer, (v) => typeof v !== "number" || !Number.isFinite(Math.fround(v)));
  if (wrong >= 0) throw refuse(`holds ${shown(answer[wrong])} as value ${wrong}`, expected);
  return answer as ArrayLike<number>;
}

const isClass = (value: unknown, classes: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < classes;

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** The first place whose value is so; -1: none. Looks at what a sparse list lacks too. */
function indexOf<T>(values: ArrayLike<T>, is: (value: T) => boolean): number {
  for (let i = 0; i < values.length; i++) if (is(values[i] as T)) return i;
  return -1;
}

function sumOf(values: ArrayLike<number>, of: (value: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += of(values[i] as number);
  return sum;
}

const rounded = (sum: number): number => Number(sum.toPrecision(6));

/** A value in a few words, however large it is. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (isList(value)) return `a list of ${value.length}`;
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (typeof value === "bigint") return `the bigint ${value}`.slice(0, 80);
  if (typeof value !== "object" || value === null) return quote(value);
  const keys = Object.keys(value);
  return keys.length === 0 ? "an empty object" : `an object with ${quote(keys.slice(0, 5).join(", "))}`;
}
