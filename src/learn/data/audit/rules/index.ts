/** All rules of the audit, in the order of their findings. Adding one: its file and one line here. */
import type { AuditRule } from "../rule.js";
import { dominantClass, rareClasses } from "./class-balance.js";
import { missingLookingClasses, nearEqualClasses } from "./class-names.js";
import { classPresence } from "./class-presence.js";
import { conflictingDuplicates, duplicatesBetweenParts } from "./duplicates.js";
import { constantFeatures, lostPrecision, nearlyConstantFeatures, outliers } from "./feature-values.js";
import { constantSamples, stretchedImages } from "./images.js";
import { indexColumn } from "./index-column.js";
import { labelLeak } from "./label-leak.js";
import { numericLabels, uniqueLabels } from "./numeric-labels.js";
import { sentinels } from "./sentinels.js";
import { valueRange } from "./value-range.js";

export const AUDIT_RULES: readonly AuditRule[] = [
  classPresence,
  nearEqualClasses,
  missingLookingClasses,
  numericLabels,
  uniqueLabels,
  duplicatesBetweenParts,
  conflictingDuplicates,
  indexColumn,
  labelLeak,
  dominantClass,
  rareClasses,
  stretchedImages,
  constantSamples,
  valueRange,
  sentinels,
  outliers,
  lostPrecision,
  constantFeatures,
  nearlyConstantFeatures,
];
