/** Names in a sentence: the first few of many, and how many more there are. */

/** namesOf(["a", "b", "c"], 2) -> "a, b and 1 more". */
export function namesOf(names: readonly string[], most = 12): string {
  const more = names.length - most;
  // One more name is shorter than its number.
  if (more <= 1) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${more.toLocaleString("en-US")} more`;
}
