/** Lists in messages. Nothing here is Node's. */

/** The first of some words, and how many more there are: "a, b, c and 7 more". */
export function listed(words: readonly string[], most = 5): string {
  if (words.length <= most + 1) return words.join(", ");
  return `${words.slice(0, most).join(", ")} and ${(words.length - most).toLocaleString("en-US")} more`;
}
