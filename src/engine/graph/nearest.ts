/** "Did you mean": the closest of some names. */
import { distance } from "fastest-levenshtein";

/** The closest candidate, if it is close at all: no more than two fifths of the word differ. */
export function nearestOf(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((c) => ({ c, d: distance(word.toLowerCase(), c.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  const best = ranked[0];
  return best && best.d <= Math.max(2, Math.ceil(word.length / 2.5)) ? best.c : undefined;
}
