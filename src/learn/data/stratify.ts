/** Drawing samples by seed so that every class keeps its share. */
import { Random } from "../../engine/random/random.js";

/** These indices in a random order, which is a function of (seed, stream). */
export function shuffled(pool: Uint32Array, seed: number, stream: string): Uint32Array {
  return new Random(seed, `split/${stream}`).permutation(pool.length).map((i) => pool[i] as number);
}

export interface Draw {
  /** In ascending order. */
  readonly chosen: Uint32Array;
  /** Labels of which nothing was drawn, -1 (unknown) apart. */
  readonly rare: readonly number[];
}

interface Share {
  readonly label: number;
  /** In a random order. */
  readonly members: readonly number[];
  /** What proportion alone would give. */
  readonly exact: number;
  count: number;
}

/**
 * `count` of these samples with the class proportions of the whole, by largest remainder.
 * @param keepOne leaves at least one sample of every class behind, which may make the draw smaller than `count`; classes
 *   that are too rare for a share of their own then get one by lot. Not where all samples are asked for
 */
export function drawStratified(
  labels: Int32Array,
  indices: Uint32Array,
  count: number,
  seed: number,
  stream: string,
  keepOne: boolean,
): Draw {
  const shares = sharesOf(labels, shuffled(indices, seed, stream), count);
  const most = (s: Share): number => s.members.length - (keepOne && s.label >= 0 ? 1 : 0);
  allot(
    shares,
    count,
    (s) => s.members.length,
    (a, b) => a.label - b.label,
  );
  const scarce = shares.some((s) => s.label >= 0 && (s.count === 0 || s.count > most(s)));
  if (keepOne && count > 0 && count < indices.length && scarce) {
    // Any fixed order would hold out the first classes of the list and never the last.
    const lot = new Random(seed, `split/${stream}/lot`).permutation(shares.length);
    const places = new Map(shares.map((s, i) => [s, lot[i] as number]));
    allot(shares, count, most, (a, b) => (places.get(a) as number) - (places.get(b) as number));
  }
  return {
    chosen: Uint32Array.from(shares.flatMap((s) => s.members.slice(0, s.count))).sort(),
    rare: count > 0 ? shares.filter((s) => s.label >= 0 && s.count === 0).map((s) => s.label) : [],
  };
}

/** Samples of each class that occurs, classes in their order. @param count to be drawn of all classes together */
function sharesOf(labels: Int32Array, order: Uint32Array, count: number): Share[] {
  const groups = new Map<number, number[]>();
  for (const i of order) {
    const label = labels[i] as number;
    const group = groups.get(label);
    if (group) group.push(i);
    else groups.set(label, [i]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([label, members]) => ({ label, members, exact: (count * members.length) / order.length, count: 0 }));
}

/** Gives every class the whole part of its share, and what is left to the largest remainders. */
function allot(
  shares: readonly Share[],
  count: number,
  most: (s: Share) => number,
  tie: (a: Share, b: Share) => number,
) {
  let left = count;
  for (const s of shares) {
    s.count = Math.min(Math.floor(s.exact), most(s));
    left -= s.count;
  }
  const ranked = shares.toSorted((a, b) => (b.exact % 1) - (a.exact % 1) || tie(a, b));
  for (let room = true; left > 0 && room; ) {
    room = false;
    for (const s of ranked) {
      if (left <= 0) break;
      if (s.count >= most(s)) continue;
      s.count++;
      left--;
      room = true;
    }
  }
}

/**
 * Which of a part's samples a limit leaves: one of every class, and of the rest each class's share, drawn by seed; in
 * ascending order. Without labels, any of them.
 * @returns null when the limit is smaller than the number of classes
 */
export function drawLimited(
  labels: readonly string[] | null,
  count: number,
  limit: number,
  seed: number,
): Uint32Array | null {
  const all = Uint32Array.from({ length: count }, (_, i) => i);
  const order = shuffled(all, seed, "limit");
  if (!labels) return order.slice(0, limit).sort();
  const numbers = new Map<string, number>([["", -1]]);
  const places = Int32Array.from(labels, (text) => {
    const known = numbers.get(text.trim());
    if (known !== undefined) return known;
    numbers.set(text.trim(), numbers.size - 1);
    return numbers.size - 2;
  });
  const first: number[] = [];
  const rest: number[] = [];
  const seen = new Set([-1]);
  for (const i of order) {
    const label = places[i] as number;
    (seen.has(label) ? rest : first).push(i);
    seen.add(label);
  }
  if (first.length > limit) return null;
  const more = drawStratified(places, Uint32Array.from(rest), limit - first.length, seed, "limit rest", false).chosen;
  return Uint32Array.from([...first, ...more]).sort();
}
