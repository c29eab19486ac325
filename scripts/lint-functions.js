// Refuses functions that are longer than one reads at once.
import { lineOf } from "./lint-text.js";

/** Lines a function may have, from its parameters to its end. */
export const MOST_FUNCTION_LINES = 60;

const CONTROL = /\b(if|for|while|switch|catch|with|await)\s*$/;
/** A brace behind one of these begins a type or a value, not a body. */
const UNFINISHED = /(^|[:|&<,?=([{]|\b(as|extends|keyof|typeof|readonly|is|satisfies|return|in|of|infer|asserts))$/;

/**
 * All functions of a source, methods and arrow functions included.
 * @param plain source without comments and texts (`withoutText`)
 * @returns list of { line, lines, start }
 */
export function functionsIn(plain) {
  const found = [];
  // Open brackets: where each is, and where the function begins whose body it opens.
  const open = [];
  // Arrow functions whose body is an expression: at which depth, and where they begin.
  const arrows = [];
  let parameters;
  const close = (start, end) => {
    const line = lineOf(plain, start);
    found.push({ start, line, lines: lineOf(plain, end) - line + 1 });
  };
  const endArrows = (depth, end) => {
    while (arrows.length > 0 && arrows.at(-1).depth >= depth) close(arrows.pop().start, end);
  };
  for (let i = 0; i < plain.length; i++) {
    const c = plain[i];
    const depth = open.length;
    if ("([{".includes(c)) {
      open.push({ at: i, start: c === "{" ? startOfBody(plain, i, parameters, depth) : undefined });
    } else if (")]}".includes(c)) {
      endArrows(depth, i);
      const bracket = open.pop();
      if (bracket?.start !== undefined) close(bracket.start, i);
      if (bracket && c === ")") parameters = parametersIn(plain, bracket.at, i, parameters, depth - 1);
    } else if (c === ";" || c === ",") {
      endArrows(depth, i);
      if (parameters?.depth === depth) parameters = undefined;
    } else if (plain.startsWith("=>", i) && parameters?.depth === depth) {
      if (parameters.types > 0) parameters.types--;
      else if (!/^\s*\{/.test(plain.slice(i + 2, i + 200))) arrows.push({ depth, start: parameters.start });
    }
  }
  endArrows(0, plain.length - 1);
  return found.sort((a, b) => a.start - b.start);
}

/** What may be a function's parameters, between brackets; within a function's return type, still that function's. */
function parametersIn(plain, start, end, outer, depth) {
  const before = plain.slice(Math.max(0, start - 40), start).trimEnd();
  if (CONTROL.test(before)) return undefined;
  if (outer?.typed && outer.depth === depth && UNFINISHED.test(before)) {
    const types = outer.types + (/^\s*=>/.test(plain.slice(end + 1, end + 20)) ? 1 : 0);
    return { ...outer, types };
  }
  return { start, depth, typed: plain[end + 1] === ":", types: 0 };
}

/** Where the function begins whose body the brace at `at` opens; undefined for other braces. */
function startOfBody(plain, at, parameters, depth) {
  const before = plain.slice(Math.max(0, at - 80), at).trimEnd();
  const ours = parameters?.depth === depth ? parameters.start : undefined;
  if (before.endsWith("=>")) return ours ?? at;
  if (ours === undefined) return undefined;
  if (before.endsWith(")")) return ours;
  return parameters.typed && !UNFINISHED.test(before) ? ours : undefined;
}

/** Sentences about the functions of one file that are too long. */
export function functionProblems({ path, text, plain }) {
  return functionsIn(plain)
    .filter(({ lines }) => lines > MOST_FUNCTION_LINES)
    .map(({ line, lines }) => {
      const head = text.split("\n")[line - 1].trim().slice(0, 60);
      return `src/${path}:${line}: a function of ${lines} lines; at most ${MOST_FUNCTION_LINES} ("${head}")`;
    });
}
