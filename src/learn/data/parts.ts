/** Which parts a source was found to have, in words. */
import type { SplitSettings } from "./common-fields.js";
import type { DataFinding } from "./findings.js";
import type { RawSource } from "./source.js";
import type { OwnParts } from "./splits.js";
import type { Splits } from "./types.js";

/** What was found where parts are known by their names (folders, arrays), and what became of the parts that are not there. @param size samples of all parts */
export function partsFinding(
  source: RawSource,
  size: number,
  own: OwnParts,
  splits: Splits,
  { validation, test }: SplitSettings,
): DataFinding | null {
  if (!source.train.title && !source.validation?.title) return null;
  const number = (n: number): string => n.toLocaleString("en-US");
  const named = [`${source.train.title ?? "training"} (${number((own.validation ?? own.test)?.[0] ?? size)})`];
  const drawn: string[] = [];
  for (const [part, setting, what] of [
    ["validation", validation, "chooses epochs"],
    ["test", test, "read once at the end"],
  ] as const) {
    const there = own[part];
    if (there) named.push(`${source[part]?.title ?? part} (${number(there[1] - there[0])}, ${what})`);
    const count = splits[part].length;
    if ((!there || (setting !== undefined && setting !== "source")) && count > 0)
      drawn.push(`${part} (${number(count)})`);
  }
  const text = `Parts found: ${named.join(", ")}.`;
  return {
    code: "parts-found",
    level: "note",
    where: source.train.from ?? source.name,
    text: drawn.length > 0 ? `${text} Drawn from the training part: ${drawn.join(" and ")}.` : text,
    count: named.length,
    examples: named,
  };
}
