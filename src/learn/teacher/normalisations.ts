/** Which normalisation a foreign model wants, where nobody said: several are tried on labelled samples. */
import type { DataSet } from "../data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { countClasses } from "../evaluate/class-counts.js";
import { correctness, logProbabilities, predictions } from "../evaluate/metrics.js";
import { type Answerer, kindOf, type Scores } from "./answerer.js";
import { clearlyBetterOrder } from "./knowledge.js";
import type { Teacher } from "./types.js";

/** A normalisation with the words for it: "raw samples", "bytes divided by 255". */
export interface NamedNormalisation {
  readonly words: string;
  readonly normalisation: Normalisation;
}

/** Fewer labelled samples say nothing. */
const FEWEST = 50;
/** Of images, which cost more, so many are looked at. */
const IMAGES = 150;
/** Standard errors by which one way must be better than another. */
const CLEAR = 3;
/** What one sample may add to a negative log-likelihood: -log of it is the least probability that counts. */
const LEAST = Math.log(1e-9);
/** Where accuracies do not differ, the negative log-likelihood must fall below this share. */
const FACTOR = 0.7;

interface Measured extends NamedNormalisation {
  readonly right: Uint8Array;
  /** Of each sample. */
  readonly loss: Float64Array;
}

export interface ChosenNormalisation {
  readonly normalisation: Normalisation;
  /** A sentence about what it gets and what was tried; "" where somebody chose it. */
  readonly note: string;
}

/**
 * Takes the normalisation that is usual unless another one is clearly better on labelled samples: by accuracy, else by
 * likelihood.
 * @param first the scores of these samples with the usual one
 * @param others what else the model may want
 */
export async function chooseNormalisation(
  answerer: Answerer,
  data: DataSet,
  some: Uint32Array,
  first: Scores,
  usual: NamedNormalisation,
  others: readonly NamedNormalisation[],
  outputs: "auto" | Teacher["kind"],
): Promise<ChosenNormalisation> {
  const kept = { normalisation: usual.normalisation, note: usual.words && `it gets ${usual.words}` };
  if (others.length === 0) return kept;
  const places = Array.from(some, (_, row) => row).filter((row) => (data.labels?.[some[row] as number] ?? -1) >= 0);
  const { order, expected } = answerer.asking;
  if (places.length < FEWEST || (order?.length ?? expected) !== data.classes.length)
    return {
      ...kept,
      note: `it gets ${usual.words}; checking whether it expects ${others.map((o) => o.words).join(" or ")} would need ${FEWEST} labelled samples (teacher.normalise overrides)`,
    };
  const rows = data.sampleShape.length === 3 ? places.slice(0, IMAGES) : places;
  const samples = Uint32Array.from(rows, (row) => some[row] as number);
  const labels = Int32Array.from(samples, (i) => data.labels?.[i] as number);
  const measured: Measured[] = [];
  for (const way of [usual, ...others]) {
    const asked = answerer.with({ normalisation: way.normalisation });
    const scores = way === usual ? rowsOf(first, rows) : await asked.scores(data, samples).catch(() => null);
    if (scores?.values.every(Number.isFinite)) measured.push(measure(asked, scores, labels, way, outputs));
  }
  const own = measured.find((m) => m.normalisation === usual.normalisation);
  const [best] = measured
    .filter((m) => m !== own)
    .sort((a, b) => sum(b.right) - sum(a.right) || sum(a.loss) - sum(b.loss));
  if (!best) return kept;
  const chosen = !own || isBetter(best, own) ? best : own;
  return {
    normalisation: chosen.normalisation,
    note: sentence(chosen, chosen === best ? own : best, usual, rows.length),
  };
}

const rowsOf = ({ values, width }: Scores, rows: readonly number[]): Scores => ({
  values: Float32Array.from(rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)])),
  width,
});

function measure(
  answerer: Answerer,
  scores: Scores,
  labels: Int32Array,
  way: NamedNormalisation,
  outputs: "auto" | Teacher["kind"],
): Measured {
  const kind = outputs === "auto" ? kindOf(scores) : outputs;
  const rows = answerer.rows(scores, kind);
  const classes = rows.length / labels.length;
  const wanted = inTheirOrder(rows, labels, classes);
  const loss = Float64Array.from(wanted, (label, i) => {
    const log = logProbabilities(rows, i, classes, kind);
    return -Math.max(LEAST, log[label] as number);
  });
  return { ...way, right: correctness(rows, wanted, classes), loss };
}

/** Labels in the order of a model that knows the classes in another one: that is a mistake of its own, told later. */
function inTheirOrder(rows: Float32Array, labels: Int32Array, classes: number): Int32Array {
  const better = clearlyBetterOrder(countClasses(labels, predictions(rows, classes), classes));
  return better ? labels.map((label) => better.order.indexOf(label)) : labels;
}

function isBetter(a: Measured, b: Measured): boolean {
  const gained = a.right.reduce((n, v, i) => n + Number(v > (b.right[i] as number)), 0);
  const lost = a.right.reduce((n, v, i) => n + Number(v < (b.right[i] as number)), 0);
  const margin = CLEAR * Math.sqrt(gained + lost);
  if (gained - lost >= Math.max(margin, 1)) return true;
  if (lost - gained >= Math.max(margin, 1)) return false;
  const less = b.loss.map((v, i) => v - (a.loss[i] as number));
  const mean = sum(less) / less.length;
  const error = Math.sqrt(sum(less.map((v) => (v - mean) ** 2)) / less.length / Math.max(1, less.length - 1));
  return mean > CLEAR * error && sum(a.loss) < FACTOR * sum(b.loss);
}

function sentence(chosen: Measured, other: Measured | undefined, usual: NamedNormalisation, count: number): string {
  const share = (m: Measured): string => `${((100 * sum(m.right)) / m.right.length).toFixed(1)} %`;
  const against = other
    ? `correct on ${share(chosen)} of ${count} labelled samples, with ${other.words} on ${share(other)}`
    : `correct on ${share(chosen)} of ${count} labelled samples; it fails with ${usual.words}`;
  const unsure = other && chosen.normalisation === usual.normalisation && !isBetter(chosen, other);
  return `it gets ${chosen.words}: ${against}${unsure ? ", too close to decide" : ""} (teacher.normalise overrides)`;
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, v) => a + v, 0);
