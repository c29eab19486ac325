/** What may go to a terminal: names come from files and endpoints, and a terminal obeys control characters. */
import { escapeControls } from "../base/quote.js";
import { maskText } from "../base/secrets.js";

/** Colours and weights as picocolors writes them; none that hides text. */
const PAINT = new RegExp(`(${String.fromCharCode(27)}\\[(?:0|1|2|3|4|7|9|2[2-9]|[349]\\d|10[0-7])m)`);

/** Lines of text, without secrets and without control characters other than tabs. */
export function printable(text: string): string {
  return visible(maskText(text));
}

/** A name inside a line. */
export function printableName(text: string): string {
  return escapeControls(maskText(text));
}

/** The same with colours. */
export function printablePainted(text: string): string {
  return text
    .split(PAINT)
    .map((piece, i) => (i % 2 === 1 ? piece : visible(piece)))
    .join("");
}

/** Lines of text without control characters other than tabs. */
export function visible(text: string): string {
  return text
    .split(/([\n\t])/)
    .map((piece, i) => (i % 2 === 1 ? piece : escapeControls(piece)))
    .join("");
}
