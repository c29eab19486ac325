/** Samples that are in two parts, and equal training samples with different labels. */
import { noun } from "../../../../base/noun.js";
import type { DataSet } from "../../types.js";
import { type AuditFacts, type AuditRule, quotedList } from "../rule.js";
import { sampleName } from "../sample-names.js";
import { isTabular } from "../survey.js";

/** Rows of a table are equal by chance now and then: one of at least 20, or a smaller share than this, is not worth a word. */
const CHANCE_OF = 20;
const CHANCE_SHARE = 0.01;

/** Whether so many of so many samples are more than chance. */
function worthSaying(data: DataSet, count: number, of: number): boolean {
  if (count === 0) return false;
  return !isTabular(data) || (count >= CHANCE_SHARE * of && !(count === 1 && of >= CHANCE_OF));
}

/** How many combinations of values the features can have, where that is no more than there are rows; null otherwise. */
function fewCombinations({ profiles, duplicates: { compared } }: AuditFacts): number | null {
  let product = profiles && profiles.width > 0 ? 1 : Number.POSITIVE_INFINITY;
  for (let c = 0; profiles && c < profiles.width && product <= compared.train; c++) product *= profiles.distinct(c);
  return product <= compared.train ? product : null;
}

const expected = (combinations: number): string =>
  `Equal rows are to be expected: the features have no more than ${noun(combinations, "combination")} of values.`;

export const duplicatesBetweenParts: AuditRule = (facts) => {
  const { data } = facts.loaded;
  const { test, validation, compared, otherLabel, testPairs, validationPairs } = facts.duplicates;
  const inTest = worthSaying(data, test, compared.test);
  const inValidation = worthSaying(data, validation, compared.validation);
  if (!inTest && !inValidation) return [];
  const pairs = [...(inTest ? testPairs : []), ...(inValidation ? validationPairs : [])];
  const parts = [
    ...(inTest
      ? [`${share(test, compared.test)} test samples ${are(test)} also in the training or validation part`]
      : []),
    ...(inValidation
      ? [`${share(validation, compared.validation)} validation samples ${are(validation)} also in the training part`]
      : []),
  ];
  const other = (inTest ? otherLabel.test : 0) + (inValidation ? otherLabel.validation : 0);
  const labels =
    other > 0 ? ` ${other.toLocaleString("en-US")} of them ${other === 1 ? "has" : "have"} another label there.` : "";
  const combinations = fewCombinations(facts);
  return [
    {
      code: "duplicates-between-parts",
      level: combinations === null ? "warning" : "note",
      text: `${parts.join(", and ")}.${labels} ${combinations === null ? "Scores on them say nothing about new samples." : expected(combinations)}`,
      ...(combinations === null ? { cure: "Remove the duplicates before the data is split." } : {}),
      count: test + validation,
      examples: pairs.slice(0, 3).map((pair) => pair.map((i) => sampleName(data, i)).join(" = ")),
      samples: pairs,
    },
  ];
};

export const conflictingDuplicates: AuditRule = (facts) => {
  const { data } = facts.loaded;
  const { conflicting, conflictingPairs, compared } = facts.duplicates;
  if (!worthSaying(data, conflicting, compared.train)) return [];
  const [pair] = conflictingPairs as [readonly [number, number]];
  const labels = pair.map((i) => data.classes[data.labels?.[i] ?? -1] ?? "");
  const combinations = fewCombinations(facts);
  return [
    {
      code: "duplicates-conflicting",
      level: combinations === null ? "warning" : "note",
      text: `${share(conflicting, compared.train)} training samples occur with more than one label, for example ${quotedList(labels)}. No model can be right about all of them.${combinations === null ? "" : ` ${expected(combinations)}`}`,
      cure:
        combinations === null
          ? "Correct the labels, or remove these samples."
          : "Add features that tell the rows apart.",
      count: conflicting,
      examples: conflictingPairs.slice(0, 3).map((p) => p.map((i) => sampleName(data, i)).join(" = ")),
      samples: conflictingPairs,
    },
  ];
};

function share(count: number, of: number): string {
  return `${count.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}`;
}

const are = (count: number): string => (count === 1 ? "is" : "are");
