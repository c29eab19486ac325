/** One teacher of several for each update. */
import { Random } from "../../../engine/random/random.js";

/** The teacher of an update, drawn with its weight as probability: a pure function of (seed, step). */
export function drawnMember<T extends { readonly weight: number }>(
  members: readonly T[],
  seed: number,
  step: number,
): T {
  let left = new Random(seed, "drawn-teacher").uniform(step);
  for (const member of members) {
    if (left < member.weight) return member;
    left -= member.weight;
  }
  // Weights that sum to a little less than 1.
  return members[members.length - 1] as T;
}
