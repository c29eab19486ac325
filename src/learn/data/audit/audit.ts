/** What data is, and what looks wrong with it, before anything is trained. Nothing here is Node's. */
import type { DataFinding } from "../findings.js";
import { sampleTypeOf } from "../samples.js";
import type { LoadedData } from "../types.js";
import { summariseClasses } from "./class-counts.js";
import { findDuplicates } from "./duplicates.js";
import { countParts } from "./parts.js";
import { AUDIT_RULES } from "./rules/index.js";
import { featureName, type Survey, surveyData } from "./survey.js";
import type { DataAudit, FeatureAudit } from "./types.js";

/** Features that an audit lists. */
const FEATURES = 50;

/**
 * Looks data over: parts, classes, values, what the reader left out, and what is probably a mistake. Nothing is changed, and
 * nothing is said of data that looks well.
 * @param loaded what `loadData` gave
 * @returns plain JSON, small however many classes and samples there are
 *
 * @example
 * const { findings } = auditData(await loadData({ source: "table", path: "penguins.csv", label: "species" }));
 */
export function auditData(loaded: LoadedData): DataAudit {
  const { data, imageSizes } = loaded;
  const survey = surveyData(loaded);
  const duplicates = findDuplicates(survey);
  const facts = { ...survey, duplicates };
  const { findings: read = [] } = loaded;
  // What the reader has said itself is not said again.
  const said = new Set(read.map((f) => f.code));
  const own = AUDIT_RULES.flatMap((rule) => rule(facts)).filter((f) => !said.has(f.code));
  const { test, validation, train, conflicting, compared } = duplicates;
  return {
    name: data.name,
    samples: data.size,
    sampleShape: data.sampleShape,
    elementType: sampleTypeOf(data),
    parts: countParts(loaded, survey.partOf),
    classes: survey.totals && summariseClasses(survey.totals),
    values: { low: finite(survey.low), high: finite(survey.high), missing: survey.missing },
    features: summariseFeatures(survey),
    imageSizes: imageSizes
      ? { width: imageSizes.width, height: imageSizes.height, stretched: imageSizes.stretched }
      : null,
    duplicates: { test, validation, train, conflicting, compared },
    examined: survey.examined.length,
    findings: inOrder([...read, ...own]),
  };
}

/** Warnings first; each kind as it came. */
function inOrder(findings: readonly DataFinding[]): DataFinding[] {
  return [...findings.filter((f) => f.level === "warning"), ...findings.filter((f) => f.level !== "warning")];
}

function summariseFeatures({ columns, loaded: { data } }: Survey): FeatureAudit | null {
  if (!columns || !data.features) return null;
  const shown = Array.from({ length: Math.min(FEATURES, columns.width) }, (_, c) => ({
    name: featureName(data, c),
    low: rounded(columns.low[c] as number),
    high: rounded(columns.high[c] as number),
    mean: rounded(columns.mean(c)),
    missing: columns.missing[c] as number,
  }));
  return { total: columns.width, shown, omitted: columns.width - shown.length };
}

/** As many digits as float32 has. */
const rounded = (value: number): number | null => finite(Number(value.toPrecision(7)));

/** Null where there is no value. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
