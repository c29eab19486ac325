/** The rows, in the order of the page. */
import { BROWSER_ROW } from "./browser.js";
import { COLD_START_ROW } from "./cold-start.js";
import { END_TO_END_ROW } from "./end-to-end.js";
import { GROWTH_ROW } from "./growth.js";
import { LABEL_ROW } from "./label.js";
import { MANY_CLASSES_ROW } from "./many-classes.js";
import type { Row } from "./row.js";

export const ROWS: readonly Row[] = [
  LABEL_ROW,
  END_TO_END_ROW,
  COLD_START_ROW,
  BROWSER_ROW,
  GROWTH_ROW,
  MANY_CLASSES_ROW,
];
