/** YAML text as values. */
import { type Document, isScalar, LineCounter, parseDocument, type Scalar, visit, type YAMLError } from "yaml";
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";

/** How often the anchors of a recipe may be used, each use of one that uses others counted with theirs. */
const MOST_ALIASES = 1000;

/** A value as YAML writes it, at a prompt; null where the text is not valid YAML, or refers to an anchor that is not there. */
export function yamlValue(text: string): { readonly value: unknown } | null {
  const document = parseDocument(text);
  if (document.errors.length > 0) return null;
  try {
    return { value: document.toJS() as unknown };
  } catch {
    return null;
  }
}

/** The content of a YAML file. @throws InputError with line and column where it is not valid */
export function parseYaml(text: string, where: string): unknown {
  let document: Document;
  const lineCounter = new LineCounter();
  try {
    // The parser's own search for repeated keys takes the square of their number.
    document = parseDocument(text, { prettyErrors: true, merge: true, uniqueKeys: false, lineCounter });
  } catch (cause) {
    throw tooDeep(where, cause);
  }
  // An unknown tag is a warning only, and its value would be read as something else.
  const error = document.errors[0] ?? document.warnings[0];
  if (error && /call stack/.test(error.message)) throw tooDeep(where, error);
  if (error)
    throw invalid(
      where,
      placed(error),
      OPEN.test(error.message) ? "Close it" : (CURES[error.code] ?? "Correct the line"),
    );
  const repeated = repeatedKey(document);
  if (repeated) {
    const { line, col } = lineCounter.linePos(repeated.range?.[0] ?? 0);
    const found = `line ${line}, column ${col}: the key ${quote(repeated.value)} is already in this mapping`;
    throw invalid(where, found, "Remove one of the two");
  }
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (cause) {
    const often = cause instanceof Error && /alias count/i.test(cause.message);
    throw often
      ? invalid(where, `it uses its anchors more than ${MOST_ALIASES} times`, "Write the values out", cause)
      : invalid(where, "it refers to an anchor that is not there, or to itself", QUOTES, cause);
  }
}

/** Each level is a call of the parser: what has ten thousand of them is not a recipe. */
const tooDeep = (where: string, cause: unknown): InputError =>
  invalid(where, "it is nested too deeply", "Give a recipe file", cause);

const QUOTES = "Put quotes around values that begin with *";

/** How the parser says that a bracket is open; it speaks of indents. */
const OPEN = /^Flow (sequence|map)\b.* end with/;

/** What to do about some of the parser's complaints. */
const CURES: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "Remove the line that is only ---",
  TAB_AS_INDENT: "Indent with spaces",
  BLOCK_AS_IMPLICIT_KEY: "Put quotes around a value that contains a colon, or begin a new line",
  TAG_RESOLVE_FAILED: "Remove the tag, or put quotes around the value",
  BAD_INDENT: "Indent the fields of a mapping by the same number of spaces",
  MISSING_CHAR: "Close the quote or bracket",
  BAD_ALIAS: QUOTES,
};

/** The first key that its mapping has twice. */
function repeatedKey(document: Document): Scalar | undefined {
  let found: Scalar | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || key.value === "<<") continue;
        if (seen.has(key.value)) {
          found = key;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/** "line 3, column 5: Nested mappings are not allowed". */
function placed({ linePos, message }: YAMLError): string {
  const [first = ""] = message.split("\n");
  const text = first.replace(/ at line \d+, column \d+:?$/, "").replace(/; please use .*$/, "");
  const said = OPEN.test(text) ? "a [ or { is not closed" : text;
  return linePos ? `line ${linePos[0].line}, column ${linePos[0].col}: ${said}` : said;
}

function invalid(where: string, found: string, cure: string, cause?: unknown): InputError {
  return new InputError({ code: "recipe-invalid", where, found, expected: "valid YAML", cure }, { cause });
}
