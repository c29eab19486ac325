/** Labels that are numbers where classes were meant: quantities, codes, or a few numbers among names. */
import { noun } from "../../../../base/noun.js";
import type { DataFinding } from "../../findings.js";
import { isNumberText } from "../../labels/missing-labels.js";
import type { ClassTotals } from "../class-counts.js";
import { type AuditRule, fewOf, quotedList } from "../rule.js";

/** Up to so many different numbers may be classes without a question. */
const FEW = 20;
/** Fewer training samples of each number than these: it is probably a quantity. */
const SPARSE = 20;
/** Numbers among names are few: no more than these, and no more than two fifths. */
const STRAY = 3;

export const numericLabels: AuditRule = ({ totals }) => {
  if (!totals) return [];
  const { names } = totals;
  const numbers = names.filter(isNumberText);
  if (numbers.length === 0) return [];
  if (numbers.length < names.length) return strayNumbers(names, numbers);
  const fractions = numbers.filter((name) => !Number.isInteger(Number(name)));
  return fractions.length > 0
    ? fractionalLabels(numbers, fractions)
    : [...manyNumbers(totals), ...writtenAsFractions(numbers)];
};

const QUANTITY_CURE =
  "Name a column of classes as data.label, or sort the numbers into ranges first: limbeck learns classes, not quantities.";

function fractionalLabels(numbers: readonly string[], fractions: readonly string[]): DataFinding[] {
  return [
    {
      code: "labels-fractional",
      level: numbers.length > FEW ? "warning" : "note",
      text: `The labels are fractions such as ${quotedList(fractions.slice(0, 2))}. Each of the ${noun(numbers.length, "different number")} becomes a class of its own.`,
      cure: QUANTITY_CURE,
      count: numbers.length,
      examples: fewOf(fractions),
    },
  ];
}

/** Whole numbers that are not simply class indices, many of them, each for a few samples. */
function manyNumbers({ names, train }: ClassTotals): DataFinding[] {
  const values = Float64Array.from(names, Number).sort();
  const [low = 0, high = 0] = [values[0], values[values.length - 1]];
  const indices = (low === 0 || low === 1) && high - low === names.length - 1;
  const median = Uint32Array.from(train).sort()[Math.floor(train.length / 2)] as number;
  if (indices || names.length <= FEW || median >= SPARSE) return [];
  return [
    {
      code: "labels-quantity",
      level: "warning",
      text: `The labels are ${noun(names.length, "different number")} from ${low.toLocaleString("en-US")} to ${high.toLocaleString("en-US")}, most of them with fewer than ${SPARSE} training samples. They look like a quantity.`,
      cure: QUANTITY_CURE,
      count: names.length,
      examples: fewOf(names),
    },
  ];
}

function writtenAsFractions(numbers: readonly string[]): DataFinding[] {
  const written = numbers.filter((name) => name.includes("."));
  if (written.length === 0) return [];
  return [
    {
      code: "labels-written-as-fractions",
      level: "note",
      text: `Whole numbers are written as fractions in the labels: ${quotedList(written)}.`,
      cure: "Write them without the point if another file or model calls the classes so.",
      count: written.length,
      examples: fewOf(written),
    },
  ];
}

function strayNumbers(names: readonly string[], numbers: readonly string[]): DataFinding[] {
  const words = names.filter((name) => !isNumberText(name));
  if (numbers.length > STRAY || numbers.length * 5 > names.length * 2 || words.some((w) => w.length === 1)) return [];
  return [
    {
      code: "labels-mixed",
      level: "warning",
      text: `${numbers.length === 1 ? "One class is a number" : "Some classes are numbers"}, ${quotedList(numbers)}, among names such as ${quotedList(words.slice(0, 2))}.`,
      cure: "Check the rows with these labels.",
      count: numbers.length,
      examples: fewOf(numbers),
    },
  ];
}

/** Nearly every sample has a class of its own. */
export const uniqueLabels: AuditRule = ({ totals, loaded: { data } }) => {
  if (!totals) return [];
  const { train, validation, test } = totals;
  const names = totals.names.filter((_, c) => train[c] || validation[c] || test[c]);
  const labelled = data.labels?.reduce((n, label) => n + Number(label >= 0), 0) ?? 0;
  if (names.length < FEW || names.length * 2 <= labelled) return [];
  return [
    {
      code: "labels-unique",
      level: "warning",
      text: `${noun(labelled, "labelled sample")} have ${noun(names.length, "different label")}. The label looks like a name or an id, not a class.`,
      cure: "Name another column as data.label, or another file as the labels.",
      count: names.length,
      examples: fewOf(names),
    },
  ];
};
