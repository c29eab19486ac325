// Refuses spreads into functions that take any number of arguments (Math.max(...xs), list.push(...xs)): every value takes a
// place on the stack, and some hundred thousand overflow it, at the very end of a run on large data. Use src/base/extremes.ts.
import { withoutText } from "./lint-text.js";

const ANY_NUMBER = /(Math\.(max|min|hypot)|\.(push|unshift|splice|concat|of|apply|fromCharCode|fromCodePoint))$/;

/** Lines (from 1) of `code` that spread into such a call, with what they spread. */
export function spreadsIn(code, text = withoutText(code)) {
  const found = [];
  // For each open bracket, whether it holds the arguments of such a call.
  const open = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if ("([{".includes(c)) open.push(c === "(" && ANY_NUMBER.test(text.slice(Math.max(0, i - 30), i)));
    else if (")]}".includes(c)) open.pop();
    else if (text.startsWith("...", i)) {
      if (open.at(-1)) found.push({ line: text.slice(0, i).split("\n").length, what: code.slice(i).split("\n")[0] });
      i += 2;
    }
  }
  return found;
}

/** Sentences about all spreads of a file. */
export function spreadProblems({ path, text, plain }) {
  return spreadsIn(text, plain).map(
    ({ line, what }) =>
      `src/${path}:${line}: "${what}" is spread into a call; use maxOf, minOf or appendTo (src/base/extremes.ts)`,
  );
}
