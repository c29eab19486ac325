/** The rows, in the order of the page. */
import { LABEL_ROW } from "./label.js";
import type { Row } from "./row.js";

export const ROWS: readonly Row[] = [LABEL_ROW];
