/** Classes that only one part holds, and classes that none holds. */
import { noun } from "../../../../base/noun.js";
import type { DataFinding } from "../../findings.js";
import { type AuditRule, fewOf, quotedList } from "../rule.js";

/** A class with fewer training samples may well be missing from the others by chance. */
const ENOUGH = 5;

export const classPresence: AuditRule = ({ totals, loaded: { splits } }) => {
  if (!totals) return [];
  const { names, train, validation, test } = totals;
  const unseen: string[] = [];
  const untested: string[] = [];
  const empty: string[] = [];
  names.forEach((name, c) => {
    const [inTrain, held, inTest] = [train[c] as number, validation[c] as number, test[c] as number];
    if (inTrain + held + inTest === 0) empty.push(name);
    else if (inTrain === 0) unseen.push(name);
    else if (inTest === 0 && splits.test.length > 0 && inTrain >= ENOUGH) untested.push(name);
  });
  return [...unseenFinding(unseen, totals), ...untestedFinding(untested), ...emptyFinding(empty)];
};

function unseenFinding(
  unseen: readonly string[],
  { names, validation, test }: NonNullable<Parameters<AuditRule>[0]["totals"]>,
): DataFinding[] {
  if (unseen.length === 0) return [];
  const set = new Set(unseen);
  let samples = 0;
  names.forEach((name, c) => {
    if (set.has(name)) samples += (validation[c] as number) + (test[c] as number);
  });
  const several = unseen.length > 1;
  return [
    {
      code: "class-unseen",
      level: "warning",
      text: `The training part has no sample of the ${several ? `${noun(unseen.length, "class")} ` : "class "}${quotedList(unseen)}, but the validation and test parts have ${noun(samples, "sample")}. No model can learn ${several ? "them" : "it"}.`,
      cure: "Correct the names if they are misspelt, or give these samples to the training part too.",
      count: unseen.length,
      examples: fewOf(unseen),
    },
  ];
}

function untestedFinding(untested: readonly string[]): DataFinding[] {
  if (untested.length === 0) return [];
  const several = untested.length > 1;
  return [
    {
      code: "class-untested",
      level: "warning",
      text: `The test part has no sample of the ${several ? `${noun(untested.length, "class")} ` : "class "}${quotedList(untested)}. The accuracy says nothing about ${several ? "them" : "it"}.`,
      cure: "Add such samples to the test part, or set data.split.test to a fraction.",
      count: untested.length,
      examples: fewOf(untested),
    },
  ];
}

function emptyFinding(empty: readonly string[]): DataFinding[] {
  if (empty.length === 0) return [];
  return [
    {
      code: "class-empty",
      level: "warning",
      where: "data.classes",
      text: `No sample has the ${empty.length > 1 ? `${noun(empty.length, "class")} ` : "class "}${quotedList(empty)}.`,
      cure: "Remove the name from data.classes, or check how the labels spell it.",
      count: empty.length,
      examples: fewOf(empty),
    },
  ];
}
