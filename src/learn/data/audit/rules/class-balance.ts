/** One class that holds nearly everything, and classes that hold next to nothing. */
import { noun } from "../../../../base/noun.js";
import { type AuditRule, fewOf, quotedList, shareOf } from "../rule.js";

/** Share of the training samples from which one class dominates; of several classes, this many times the next. */
const DOMINANT = 0.8;
const DOMINANT_OF_MANY = 0.5;
const MANY = 5;
/** Fewer training samples of a class than these are rare. */
const RARE = 5;

export const dominantClass: AuditRule = ({ totals }) => {
  if (!totals || totals.names.length < 2) return [];
  const { names, train } = totals;
  const labelled = train.reduce((sum, n) => sum + n, 0);
  let most = 0;
  train.forEach((n, c) => {
    if (n > (train[most] as number)) most = c;
  });
  const share = (train[most] as number) / Math.max(1, labelled);
  if (share < (names.length >= MANY ? DOMINANT_OF_MANY : DOMINANT)) return [];
  const [name, percent] = [quotedList([names[most] as string]), shareOf(train[most] as number, labelled)];
  return [
    {
      code: "class-dominant",
      level: "warning",
      text: `${percent} of the labelled training samples belong to the class ${name}. A model that always answers ${name} reaches that accuracy, so accuracy alone misleads.`,
      cure: "Judge the models by balanced accuracy and the recall of every class.",
      count: train[most] as number,
      examples: fewOf([names[most] as string]),
    },
  ];
};

export const rareClasses: AuditRule = ({ totals }) => {
  if (!totals) return [];
  const { names, train } = totals;
  const rare = Array.from(names, (_, c) => c)
    .filter((c) => (train[c] as number) > 0 && (train[c] as number) < RARE)
    .sort((a, b) => (train[a] as number) - (train[b] as number) || a - b);
  if (rare.length === 0) return [];
  const called = rare.map((c) => names[c] as string);
  const [only] = rare as [number];
  const text =
    rare.length === 1
      ? `The class ${quotedList(called)} has only ${noun(train[only] as number, "training sample")}.`
      : `${rare.length === names.length ? "All" : rare.length.toLocaleString("en-US")} of ${noun(names.length, "class")} have fewer than ${RARE} training samples: ${quotedList(called)}.`;
  return [
    {
      code: "class-rare",
      level: "warning",
      text,
      cure: "Collect more samples, merge classes, or leave these out.",
      count: rare.length,
      examples: fewOf(called),
    },
  ];
};
