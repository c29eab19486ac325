/** Every error of limbeck is made of parts: a code that docs/errors.md explains, and a way out. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ERROR_CODES } from "../../src/base/error-codes.js";
import {
  type Fault,
  faultOf,
  InputError,
  InterruptedError,
  RunError,
  relocated,
  within,
} from "../../src/base/errors.js";

const sources = readdirSync("src", { recursive: true })
  .map((name) => String(name).replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));

/** What stands between the brackets that open here; strings and templates may hold brackets of their own. */
function bracketed(text: string, open: number): string {
  const ends: string[] = [];
  for (let i = open; i < text.length; i++) {
    const c = text[i] as string;
    const inner = ends[ends.length - 1];
    if (inner === "`" || inner === '"' || inner === "'") {
      if (c === "\\") i++;
      else if (c === inner) ends.pop();
      else if (inner === "`" && c === "$" && text[i + 1] === "{") {
        ends.push("}");
        i++;
      }
    } else if (c === "/" && text[i + 1] === "/") i = text.indexOf("\n", i);
    else if ("`\"'".includes(c)) ends.push(c);
    else if ("([{".includes(c)) ends.push(c === "(" ? ")" : c === "[" ? "]" : "}");
    else if (c === inner) {
      ends.pop();
      if (ends.length === 0) return text.slice(open + 1, i);
    }
  }
  return assert.fail(`a bracket is not closed: ${text.slice(open, open + 60)}`);
}

/** Every construction of one of the two errors, as written. */
const made = sources.flatMap(({ name, text }) =>
  [...text.matchAll(/new (InputError|RunError)\(/g)].map((match) => {
    const given = bracketed(text, match.index + match[0].length - 1).trim();
    return { place: `${name}:${text.slice(0, match.index).split("\n").length}`, given };
  }),
);

test("every error is made of a fault, never of a sentence", () => {
  assert.ok(made.length > 300, `${made.length} constructions found`);
  const odd = made.filter(({ given }) => !/^\{|^fault\b/.test(given)).map(({ place }) => place);
  assert.deepEqual(odd, []);
});

test("every error says what was expected or what to do", () => {
  // What ONNX Runtime says of itself has no cure that is known.
  const except = ["engine/runtime/faults.ts"];
  const mute = made
    .filter(({ place }) => !except.some((file) => place.startsWith(file)))
    .filter(({ given }) => !/^fault\b|\.\.\.|\b(expected|cure|details)\b/.test(given))
    .map(({ place }) => place);
  assert.deepEqual(mute, []);
});

test("codes: in alphabetical order, each used somewhere and explained in a sentence", () => {
  const codes = Object.keys(ERROR_CODES);
  assert.deepEqual(codes, [...codes].sort());
  const used = sources.filter(({ name }) => name !== "base/error-codes.ts").map(({ text }) => text);
  const idle = codes.filter((code) => !used.some((text) => text.includes(`"${code}"`)));
  assert.deepEqual(idle, []);
  for (const [code, meaning] of Object.entries(ERROR_CODES)) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.match(meaning, /^[A-Z].+\.$/);
  }
});

const FAULT: Fault = {
  code: "row-invalid",
  where: "x.csv",
  found: "row 3 has 4 values",
  expected: "3",
  cure: "Cut it",
};

test("the message is made of the parts, and the parts are properties", () => {
  const error = new InputError(FAULT, { cause: "c" });
  assert.equal(error.message, "x.csv: row 3 has 4 values; expected 3. Cut it");
  assert.equal(error.cause, "c");
  assert.deepEqual(faultOf(error), FAULT);
  assert.deepEqual(faultOf(new RunError({ ...FAULT, where: "" })), { ...FAULT, where: "" });
  assert.equal(new RunError({ ...FAULT, where: "", expected: undefined }).message, "row 3 has 4 values. Cut it");
  assert.equal(faultOf(new Error("x")), null);
  assert.equal(new InterruptedError("stopped").code, "interrupted");
});

test("an error is told of the file around it, or of one of several runs", () => {
  const inner = new InputError({ ...FAULT, where: 'node "a"' });
  const ofFile = relocated(inner, "m.onnx");
  assert.deepEqual([ofFile.code, ofFile.where, ofFile.cure], ["row-invalid", "m.onnx", "Cut it"]);
  assert.equal(ofFile.found, 'node "a": row 3 has 4 values');
  assert.equal(within(inner, 'hop "x"').where, 'hop "x", node "a"');
  assert.equal(within(new InputError({ ...FAULT, where: "" }), "sweep").where, "sweep");
});
