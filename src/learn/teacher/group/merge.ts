/**
 * Merged soft targets of teachers that know only part of the classes. For a sample, teacher k gives p_k over its classes S_k;
 * the merged distribution q over all classes is the minimum of
 *
 *     sum_k w_k KL(p_k || q restricted to S_k and renormalised)
 *
 * Hinton, Vinyals & Dean 2015, section 5.3, equation 5; their specialists have a class for "none of mine" besides, ours say nothing
 * of the classes they do not know. At T = 1: what softens, softens q. No Node here.
 *
 * Classes that the same teachers know form a block A. With q(c) = Q(A) r_A(c) the sum falls apart: each r_A has the closed form
 * sum_k w_k p_k(c) / sum_k w_k p_k(A), and what is left is the same problem over the few blocks. Where every teacher that
 * knows more than one block knows all of them (a generalist and specialists that share no class), Q too has a closed form, the
 * weighted mean; otherwise it is found by Newton's method on log Q, a convex problem.
 */
import { InputError } from "../../../base/errors.js";
import { logProbabilities, type OutputKind } from "../../evaluate/metrics.js";
import { namesOf } from "../../../base/names.js";

/** The least probability of a class that a teacher knows: an exact 0 would put the minimum at infinity. */
const LEAST = 1e-12;

/** Answers of a teacher [samples, classes]; columns of classes that it does not know are not looked at. */
export interface PartialAnswers {
  readonly name: string;
  readonly kind: OutputKind;
  readonly values: Float32Array;
  /** Indices of the classes it knows; absent: all. */
  readonly knows?: readonly number[];
}

/**
 * The merged distribution of every sample.
 * @param weights one positive number a teacher
 * @returns probabilities [samples, classes]
 * @throws InputError when a class is known to nobody, or when two groups of teachers share no class
 */
export function mergeAnswers(
  members: readonly PartialAnswers[],
  weights: readonly number[],
  classes: number,
): Float32Array {
  const merger = new Merger(
    members.map(({ name, knows }) => ({ name, knows })),
    weights,
    classes,
  );
  const samples = (members[0]?.values.length ?? 0) / classes;
  const out = new Float32Array(samples * classes);
  const rows = members.map(() => new Float64Array(classes));
  for (let i = 0; i < samples; i++) {
    members.forEach(({ kind, values }, k) => {
      const known = merger.known[k] as readonly number[];
      const row = restricted(values, i, classes, kind, known, rows[k] as Float64Array);
      for (const c of known) row[c] = Math.max(row[c] as number, LEAST);
    });
    out.set(merger.merge(rows), i * classes);
  }
  return out;
}

/** What a teacher's row says of the classes it knows: p over them, 0 elsewhere. @param out [classes] */
export function restricted(
  values: Float32Array,
  row: number,
  classes: number,
  kind: OutputKind,
  known: readonly number[],
  out: Float64Array,
): Float64Array {
  const own = Float64Array.from(known, (c) => values[row * classes + c] as number);
  const log = logProbabilities(own, 0, known.length, kind);
  out.fill(0);
  known.forEach((c, j) => {
    out[c] = Math.exp(log[j] as number);
  });
  return out;
}

/** @throws InputError when a class is known to nobody, or when two groups of teachers share no class */
export function checkCover(
  teachers: readonly { readonly name: string; readonly knows?: readonly number[] }[],
  classes: number,
  classNames: readonly string[] = [],
): void {
  const known = teachers.map((t) => t.knows ?? range(classes));
  const named = (list: readonly number[]): string => namesOf(list.map((c) => classNames[c] ?? String(c)));
  const all = new Set(known.flat());
  const missing = range(classes).filter((c) => !all.has(c));
  if (missing.length > 0)
    throw new InputError({
      code: "class-unknown",
      where: "teacher.group",
      found: `no teacher knows the ${missing.length === 1 ? "class" : "classes"} ${named(missing)}`,
      expected: "a teacher for each class",
      cure: "Add one that knows them",
    });
  const reached = new Set(known[0]);
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const own of known) if (own.some((c) => reached.has(c))) for (const c of own) reached.add(c);
  }
  if (reached.size === classes) return;
  const others = range(classes).filter((c) => !reached.has(c));
  throw new InputError({
    code: "option-conflict",
    where: "teacher.group",
    found: `no teacher compares the classes ${named([...reached].sort((a, b) => a - b))} with ${named(others)}, because none knows classes of both`,
    expected: "teachers that share classes",
    cure: "Add a teacher that knows some of both, such as one of all classes",
  });
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Classes that the same teachers know. */
interface Block {
  readonly classes: readonly number[];
  readonly teachers: readonly number[];
}

class Merger {
  /** The classes of each teacher. */
  readonly known: readonly (readonly number[])[];
  readonly #blocks: readonly Block[];
  /** Teachers that know more than one block, with their blocks: only they compare blocks. */
  readonly #spans: readonly { readonly teacher: number; readonly blocks: readonly number[] }[];

  constructor(
    teachers: readonly { readonly name: string; readonly knows?: readonly number[] }[],
    private readonly weights: readonly number[],
    private readonly classes: number,
  ) {
    checkCover(teachers, classes);
    this.known = teachers.map((t) => t.knows ?? range(classes));
    const groups = new Map<string, { classes: number[]; teachers: number[] }>();
    const knows = this.known.map((own) => new Set(own));
    for (const c of range(classes)) {
      const own = range(teachers.length).filter((k) => knows[k]?.has(c));
      const group = groups.get(own.join()) ?? { classes: [], teachers: own };
      group.classes.push(c);
      groups.set(own.join(), group);
    }
    this.#blocks = [...groups.values()];
    this.#spans = range(teachers.length)
      .map((teacher) => ({
        teacher,
        blocks: range(this.#blocks.length).filter((a) => this.#blocks[a]?.teachers.includes(teacher)),
      }))
      .filter(({ blocks }) => blocks.length > 1);
  }

  /** @param rows p_k over the classes it knows, 0 elsewhere */
  merge(rows: readonly Float64Array[]): Float64Array {
    const q = new Float64Array(this.classes);
    const masses = rows.map((p) =>
      Float64Array.from(this.#blocks, (block) => block.classes.reduce((sum, c) => sum + (p[c] as number), 0)),
    );
    const shares = this.#shares(masses);
    this.#blocks.forEach(({ classes, teachers }, a) => {
      const over = (of: (k: number) => number): number =>
        teachers.reduce((sum, k) => sum + (this.weights[k] as number) * of(k), 0);
      const mass = over((k) => masses[k]?.[a] as number);
      for (const c of classes) q[c] = ((shares[a] as number) * over((k) => rows[k]?.[c] as number)) / mass;
    });
    return q;
  }

  /** Q, the mass of each block. @param masses [teacher][block] */
  #shares(masses: readonly Float64Array[]): Float64Array {
    const blocks = this.#blocks.length;
    if (blocks === 1) return Float64Array.of(1);
    const whole = this.#spans.every((s) => s.blocks.length === blocks);
    const total = this.#spans.reduce((sum, s) => sum + (this.weights[s.teacher] as number), 0);
    if (whole)
      return Float64Array.from({ length: blocks }, (_, a) =>
        this.#spans.reduce(
          (sum, { teacher }) => sum + ((this.weights[teacher] as number) / total) * (masses[teacher]?.[a] as number),
          0,
        ),
      );
    const terms = this.#spans.map(({ teacher, blocks: own }) => ({
      weight: (this.weights[teacher] as number) / total,
      blocks: own,
      target: Float64Array.from(own, (a) => masses[teacher]?.[a] as number),
    }));
    return softmax(newton(terms, blocks));
  }
}

/** weight (LSE of u over its blocks - sum of target u): a teacher's KL as a function of u = log Q, up to a constant. */
interface Term {
  readonly weight: number;
  readonly blocks: readonly number[];
  readonly target: Float64Array;
}

const MOST_STEPS = 200;
/** No step changes a log mass by more: far out the quadratic model is wrong. */
const LONGEST = 4;

/** u at the minimum of the sum of convex terms. */
function newton(terms: readonly Term[], blocks: number): Float64Array {
  let u: Float64Array = new Float64Array(blocks);
  let { value, gradient, hessian } = derivatives(terms, u);
  for (let i = 0; i < MOST_STEPS; i++) {
    const step = solve(hessian, gradient, blocks);
    const longest = step.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    if (longest < 1e-10) break;
    const slope = step.reduce((sum, v, a) => sum + v * (gradient[a] as number), 0);
    let length = Math.min(1, LONGEST / longest);
    let next = derivatives(terms, moved(u, step, length));
    // Near the minimum the value is known no better than to its last bits.
    while (next.value > value - 1e-4 * length * slope + 1e-14 && length > 1e-6) {
      length /= 2;
      next = derivatives(terms, moved(u, step, length));
    }
    u = moved(u, step, length);
    ({ value, gradient, hessian } = next);
  }
  return u;
}

const moved = (u: Float64Array, step: Float64Array, length: number): Float64Array =>
  u.map((v, a) => v - length * (step[a] as number));

function softmax(u: Float64Array): Float64Array {
  const most = u.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY);
  const exp = u.map((v) => Math.exp(v - most));
  const sum = exp.reduce((a, v) => a + v, 0);
  return exp.map((v) => v / sum);
}

function derivatives(terms: readonly Term[], u: Float64Array) {
  const n = u.length;
  const gradient = new Float64Array(n);
  // u is known up to a constant: a rank of ones makes the matrix regular and moves nothing.
  const hessian = new Float64Array(n * n).fill(1 / n);
  let value = 0;
  for (const { weight, blocks, target } of terms) {
    const own = Float64Array.from(blocks, (a) => u[a] as number);
    const most = own.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY);
    const shares = softmax(own);
    value += weight * (most + Math.log(own.reduce((s, v) => s + Math.exp(v - most), 0)));
    blocks.forEach((a, i) => {
      const [p, r] = [target[i] as number, shares[i] as number];
      value -= weight * p * (own[i] as number);
      gradient[a] = (gradient[a] as number) + weight * (r - p);
      blocks.forEach((b, j) => {
        const at = a * n + b;
        hessian[at] = (hessian[at] as number) + weight * ((i === j ? r : 0) - r * (shares[j] as number));
      });
    });
  }
  return { value, gradient, hessian };
}

/** x of A x = b for a positive definite A [n, n], by Cholesky; tiny pivots, of blocks nobody believes in, are lifted. */
function solve(matrix: Float64Array, b: Float64Array, n: number): Float64Array {
  const low = new Float64Array(n * n);
  const at = (i: number, j: number): number => low[i * n + j] as number;
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j] as number;
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      low[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-15)) : sum / at(j, j);
    }
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] as number) - at(i, k) * (x[k] as number);
    x[i] = (x[i] as number) / at(i, i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = (x[i] as number) - at(k, i) * (x[k] as number);
    x[i] = (x[i] as number) / at(i, i);
  }
  return x;
}
