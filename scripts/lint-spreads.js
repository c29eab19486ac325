// Refuses spreads into functions that take any number of arguments (Math.max(...xs), list.push(...xs)): every value takes a
// place on the stack, and some hundred thousand overflow it, at the very end of a run on large data. Use src/base/extremes.ts.
/** Comments and the text of strings become blanks, so that positions and lines stay. Code inside `${}` stays. */
export function withoutText(code) {
  let out = "";
  // The brackets that are open: "`" for a template's text, "{" for code.
  const open = [];
  for (let i = 0; i < code.length; ) {
    const [c, next] = [code[i], code[i + 1]];
    const blank = (end) => {
      out += code.slice(i, end).replace(/[^\n]/g, " ");
      i = end;
    };
    if (open.at(-1) === "`") {
      if (c === "`") open.pop();
      else if (c === "$" && next === "{") open.push("{");
      else {
        blank(i + (c === "\\" ? 2 : 1));
        continue;
      }
      out += c;
      if (c === "$") out += next;
      i += c === "$" ? 2 : 1;
    } else if (c === "/" && next === "/") blank(endOf(code, "\n", i));
    else if (c === "/" && next === "*") blank(endOf(code, "*/", i) + 2);
    else if (c === '"' || c === "'") blank(endOfString(code, i, c));
    else if (c === "/" && startsPattern(out)) blank(endOfPattern(code, i));
    else {
      if (c === "`") open.push("`");
      if (c === "{") open.push("{");
      if (c === "}") open.pop();
      out += c;
      i++;
    }
  }
  return out;
}

const endOf = (code, mark, from) => {
  const at = code.indexOf(mark, from);
  return at < 0 ? code.length : at;
};

function endOfString(code, from, quote) {
  let i = from + 1;
  while (i < code.length && code[i] !== quote) i += code[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** Whether a slash here begins a regular expression: not behind a value. */
const startsPattern = (before) => /(^|[=(,:[!&|?{};]|=>|return|typeof)\s*$/.test(before.slice(-40));

function endOfPattern(code, from) {
  let inside = false;
  let i = from + 1;
  for (; i < code.length && (inside || code[i] !== "/"); i += code[i] === "\\" ? 2 : 1) {
    if (code[i] === "[") inside = true;
    if (code[i] === "]") inside = false;
  }
  return i + 1;
}

const ANY_NUMBER = /(Math\.(max|min|hypot)|\.(push|unshift|splice|concat|of|apply|fromCharCode|fromCodePoint))$/;

/** Lines (from 1) of `code` that spread into such a call, with what they spread. */
export function spreadsIn(code) {
  const text = withoutText(code);
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

/**
 * Sentences about all spreads.
 * @param sources Map from a file's path below src/ to its text
 */
export function spreadProblems(sources) {
  return [...sources].flatMap(([path, text]) =>
    spreadsIn(text).map(
      ({ line, what }) =>
        `src/${path}:${line}: "${what}" is spread into a call; use maxOf, minOf or appendTo (src/base/extremes.ts)`,
    ),
  );
}
