// Splits TypeScript into code, strings, patterns and comments, so that checks do not read one as another.

/**
 * The parts of a source in order, without gaps. Code inside `${}` is code; quotes belong to their string.
 * @returns list of { kind: "code" | "string" | "pattern" | "comment", start, end }
 */
export function partsOf(text) {
  const parts = [];
  // The brackets that are open: "`" for a template's text, "{" for code.
  const open = [];
  let before = "";
  const add = (kind, start, end) => {
    const last = parts.at(-1);
    if (last?.kind === kind && kind === "code") last.end = end;
    else parts.push({ kind, start, end });
    if (kind !== "comment") before = (before + text.slice(start, end)).slice(-40);
  };
  for (let i = 0; i < text.length; ) {
    const [kind, end] = partAt(text, i, open, before);
    add(kind, i, end);
    i = end;
  }
  return parts;
}

/** Kind and end of the part that starts at `i`. */
function partAt(text, i, open, before) {
  const [c, next] = [text[i], text[i + 1]];
  if (open.at(-1) === "`") return templatePart(text, i, open);
  if (c === "/" && next === "/") return ["comment", endOf(text, "\n", i)];
  if (c === "/" && next === "*") return ["comment", endOf(text, "*/", i + 2) + 2];
  if (c === '"' || c === "'") return ["string", endOfString(text, i, c)];
  if (c === "/" && startsPattern(before)) return ["pattern", endOfPattern(text, i)];
  if (c === "`") {
    open.push("`");
    return ["string", i + 1];
  }
  if (c === "{") open.push("{");
  if (c === "}") open.pop();
  return ["code", i + 1];
}

function templatePart(text, i, open) {
  let end = i;
  while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) end += text[end] === "\\" ? 2 : 1;
  if (end > i) return ["string", end];
  if (text[i] === "`") {
    open.pop();
    return ["string", i + 1];
  }
  open.push("{");
  return ["code", i + 2];
}

const endOf = (text, mark, from) => {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at;
};

function endOfString(text, from, quote) {
  let i = from + 1;
  while (i < text.length && text[i] !== quote) i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** Whether a slash here begins a regular expression: not behind a value. */
const startsPattern = (before) => /(^|[=(,:[!&|?{};]|=>|return|typeof)\s*$/.test(before);

function endOfPattern(text, from) {
  let inside = false;
  let i = from + 1;
  for (; i < text.length && (inside || text[i] !== "/"); i += text[i] === "\\" ? 2 : 1) {
    if (text[i] === "[") inside = true;
    if (text[i] === "]") inside = false;
  }
  return i + 1;
}

/** The text with blanks in place of some kinds of parts, so that positions and lines stay. */
export function blanked(text, parts, kinds) {
  return parts
    .map(({ kind, start, end }) => {
      const part = text.slice(start, end);
      return kinds.includes(kind) ? part.replace(/[^\n]/g, " ") : part;
    })
    .join("");
}

/** Comments and the text of strings become blanks. */
export function withoutText(text) {
  return blanked(text, partsOf(text), ["comment", "string", "pattern"]);
}

/** Line of a position, from 1. */
export function lineOf(text, at) {
  return text.slice(0, at).split("\n").length;
}
