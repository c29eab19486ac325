/** LIMBECK_DEBUG: which scopes speak, and how a line looks. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { DEBUG_SCOPES, type DebugScope, debug, debugScopes } from "../../src/base/debug.js";
import { rememberSecret } from "../../src/base/secrets.js";

const SCOPES = Object.keys(DEBUG_SCOPES) as DebugScope[];
const error = console.error;
let lines: unknown[][] = [];
beforeEach(() => {
  lines = [];
  console.error = (...args: unknown[]) => void lines.push(args);
});
afterEach(() => {
  console.error = error;
  delete process.env.LIMBECK_DEBUG;
  delete (globalThis as { LIMBECK_DEBUG?: unknown }).LIMBECK_DEBUG;
});

const on = (): string[] => SCOPES.filter((scope) => debug(scope) !== null);

test("unset or empty, no scope is on, and nothing is made of what a line would say", () => {
  let made = 0;
  for (const value of [undefined, "", " , "]) {
    if (value === undefined) delete process.env.LIMBECK_DEBUG;
    else process.env.LIMBECK_DEBUG = value;
    for (const scope of SCOPES) debug(scope)?.(`line ${++made}`);
  }
  assert.deepEqual([made, lines, debugScopes()], [0, [], ""]);
});

test("scopes are separated by commas or spaces, and * is all of them", () => {
  process.env.LIMBECK_DEBUG = "train, compile";
  assert.deepEqual(on(), ["compile", "train"]);
  assert.equal(debugScopes(), "compile,train");
  process.env.LIMBECK_DEBUG = "*";
  assert.deepEqual(on(), SCOPES);
  assert.deepEqual(lines, []);
});

test("a scope that does not exist is said once, with those that do; the others work", () => {
  process.env.LIMBECK_DEBUG = "compil,session,1";
  for (let i = 0; i < 3; i++) assert.deepEqual(on(), ["session"]);
  assert.equal(lines.length, 2);
  for (const [i, name] of ["compil", "1"].entries()) {
    assert.ok(String(lines[i]).includes(`"${name}"`));
    for (const scope of SCOPES) assert.ok(String(lines[i]).includes(scope), `${scope} is named`);
  }
});

test("a page sets a global instead of a variable", () => {
  (globalThis as { LIMBECK_DEBUG?: unknown }).LIMBECK_DEBUG = "data";
  assert.deepEqual(on(), ["data"]);
});

test("a line has its scope and the seconds since the process began, is one line, and holds no secret", () => {
  process.env.LIMBECK_DEBUG = "teacher";
  rememberSecret("hunter2-HUNTER2");
  const before = performance.now();
  debug("teacher")?.("key hunter2-HUNTER2 at https://me:pw@host/?token=abc\n\u001b[31m 100 %s");
  const after = performance.now();
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.length, 1, "nothing is left to be formatted");
  const [, seconds, text] = /^limbeck:teacher (\d+\.\d{3}) s {2}(.*)$/.exec(String(lines[0]?.[0])) ?? [];
  assert.ok(Number(seconds) >= before / 1000 - 0.001 && Number(seconds) <= after / 1000 + 0.001, seconds);
  assert.equal(text, "key *** at https://***@host/?token=***\\u000a\\u001b[31m 100 %s");
});
