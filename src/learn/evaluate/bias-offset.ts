/**
 * One number for the biases of some classes: what repairs a student that never saw them. Hinton, Vinyals & Dean 2015,
 * section 3, raise the bias of the class that was left out of the transfer set, or lower those of the only two that were in it.
 */
import { accuracy } from "./metrics.js";

export interface BiasOffset {
  /** To add to the logits of these classes; 0 where nothing is better. */
  readonly offset: number;
  /** Accuracy on the samples that chose it, without and with it. */
  readonly before: number;
  readonly after: number;
}

/** The offset from which on, or up to which, a sample is right. */
interface Threshold {
  readonly at: number;
  /** 1: right above it; -1: right below it. */
  readonly change: 1 | -1;
}

/**
 * The number d that makes z + d [class is one of these] most accurate. Accuracy is a step function of d whose steps are known,
 * so this is the exact optimum: the middle of the best interval, of several the one nearest to 0; 0 where 0 is among the best.
 * @param logits [samples, classes]
 * @param labels class index of each sample: samples that chose nothing else and are not the test samples
 * @param shifted indices of the classes that get d
 * @throws RangeError when shifted names no class or all of them
 */
export function biasOffset(
  logits: Float32Array,
  labels: Int32Array,
  classes: number,
  shifted: readonly number[],
): BiasOffset {
  const inside = new Uint8Array(classes);
  for (const c of shifted) inside[c] = 1;
  const marked = inside.reduce((a, v) => a + v, 0);
  if (marked === 0 || marked === classes)
    throw new RangeError(`an offset of ${marked} of ${classes} classes changes nothing`);
  const before = accuracy(logits, labels, classes);
  const { thresholds, right } = thresholdsOf(logits, labels, inside);
  const offset = Math.fround(bestOffset(thresholds, right, Math.round(before * labels.length)));
  const after = accuracy(shiftOutputs(logits, classes, shifted, offset), labels, classes);
  // An interval narrower than float32 can tell apart is no interval.
  return after > before ? { offset, before, after } : { offset: 0, before, after: before };
}

/** Logits [samples, classes] with an offset on some classes, in float32 as a model adds it. */
export function shiftOutputs(
  logits: Float32Array,
  classes: number,
  shifted: readonly number[],
  offset: number,
): Float32Array {
  const out = Float32Array.from(logits);
  for (let row = 0; row < out.length; row += classes)
    for (const c of shifted) out[row + c] = (out[row + c] as number) + offset;
  return out;
}

/** Where samples become right or wrong, and how many are right below all of these. */
function thresholdsOf(
  logits: Float32Array,
  labels: Int32Array,
  inside: Uint8Array,
): { thresholds: Threshold[]; right: number } {
  const classes = inside.length;
  const thresholds: Threshold[] = [];
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const best: [number, number] = [-1, -1];
    for (let c = 0; c < classes; c++) {
      const side = inside[c] as 0 | 1;
      const held = best[side];
      if (held < 0 || (logits[i * classes + c] as number) > (logits[i * classes + held] as number)) best[side] = c;
    }
    const [outer, inner] = best;
    const at = (logits[i * classes + outer] as number) - (logits[i * classes + inner] as number);
    const label = labels[i] as number;
    if (label === inner) thresholds.push({ at, change: 1 });
    if (label !== outer) continue;
    thresholds.push({ at, change: -1 });
    right++;
  }
  return { thresholds: thresholds.sort((a, b) => a.at - b.at), right };
}

/** @param right below every threshold  @param now right at 0 */
function bestOffset(thresholds: readonly Threshold[], right: number, now: number): number {
  let best = { right: now, offset: 0 };
  let count = right;
  const consider = (low: number, high: number): void => {
    const offset = low === -Infinity ? high - 1 : high === Infinity ? low + 1 : (low + high) / 2;
    if (count < best.right || (count === best.right && Math.abs(offset) >= Math.abs(best.offset))) return;
    best = { right: count, offset };
  };
  for (let i = 0; i < thresholds.length; ) {
    const { at } = thresholds[i] as Threshold;
    consider(thresholds[i - 1]?.at ?? -Infinity, at);
    for (; i < thresholds.length && thresholds[i]?.at === at; i++) count += (thresholds[i] as Threshold).change;
  }
  if (thresholds.length > 0) consider((thresholds[thresholds.length - 1] as Threshold).at, Infinity);
  return best.offset;
}
