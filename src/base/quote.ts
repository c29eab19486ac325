/** How an error repeats what the user wrote: short, and without characters that a terminal obeys. */
import { maskText } from "./secrets.js";

/** Characters of a value that are shown at most. */
const SHOWN = 80;

/** Control characters, line and paragraph separators, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** The text with each control character written as its escape: "\u001b". */
export function escapeControls(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value as an error shows it: text in quotation marks, anything else as JSON, cut after about 80 characters. */
export function quote(given: unknown): string {
  // Before it is cut: half a secret is not found again.
  const value = typeof given === "string" ? maskText(given) : given;
  if (typeof value === "string" && value.length > SHOWN)
    return `${escapeControls(JSON.stringify(wholeStart(value)))}... (${value.length.toLocaleString("en-US")} characters)`;
  const text = typeof value === "number" ? String(value) : maskText(JSON.stringify(value) ?? String(value));
  return escapeControls(text.length > SHOWN + 2 ? `${wholeStart(text)}...` : text);
}

/** The first characters, without half of a pair at the end. */
function wholeStart(text: string): string {
  return text.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, "");
}
