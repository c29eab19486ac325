/** Names of classes that are nearly the same, and names that look like a missing label. */
import { noun } from "../../../../base/noun.js";
import { differenceWords, nearEqualNames } from "../../labels/class-names.js";
import type { DataFinding } from "../../findings.js";
import { looksMissing } from "../../labels/missing-labels.js";
import { type AuditRule, fewOf, quotedList } from "../rule.js";

export const nearEqualClasses: AuditRule = ({ totals }) => {
  if (!totals) return [];
  const pairs = nearEqualNames(totals.names);
  const [pair] = pairs;
  if (!pair) return [];
  const more = pairs.length > 1 ? `, and ${noun(pairs.length - 1, "other pair")} likewise` : "";
  return [
    {
      code: "class-near-equal",
      level: "warning",
      text: `The classes ${quotedList([pair.first, pair.other])} differ only by ${differenceWords(pair)}${more}.`,
      cure: "Write the label the same way everywhere if they are one class.",
      count: pairs.length,
      examples: fewOf(pairs.flatMap(({ first, other }) => [first, other])),
    },
  ];
};

/** Words that may mean a missing label and may well be a class. */
const MAYBE = /^(none|unknown|unlabell?ed|not available)$/i;

export const missingLookingClasses: AuditRule = ({ totals }) => {
  if (!totals) return [];
  const { names, train, validation, test } = totals;
  return names.flatMap((name, c): DataFinding[] => {
    const maybe = MAYBE.test(name.trim());
    if (!maybe && !looksMissing(name.trim())) return [];
    const samples = (train[c] as number) + (validation[c] as number) + (test[c] as number);
    return [
      {
        code: "class-looks-missing",
        level: maybe ? "note" : "warning",
        text: `The class ${quotedList([name])} (${noun(samples, "sample")}) looks like a mark for a missing label.`,
        cure: "If it is one, leave these labels empty.",
        count: samples,
        examples: fewOf([name]),
      },
    ];
  });
};
