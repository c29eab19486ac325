/** What may stand in the place of a file or folder, and the error it gets. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkFile, checkFolder, readWholeFile } from "../../../src/learn/data/sources/files.js";
import { faultOf } from "../../../src/base/errors.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-files-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

writeFileSync(at("full"), "abc");
writeFileSync(at("empty"), "");
mkdirSync(at("folder"));
symlinkSync("full", at("link"));
symlinkSync("gone", at("broken"));
symlinkSync("round", at("round"));
execFileSync("mkfifo", [at("pipe")]);

/** Code, place and a word of what was found. */
function holds(make: () => unknown, code: string, path: string, word: RegExp): void {
  assert.throws(make, (error) => {
    const fault = faultOf(error);
    assert.deepEqual([fault?.code, fault?.where], [code, path]);
    assert.match(fault?.found ?? "", word);
    assert.ok(fault?.cure && fault.expected, "it says what was expected and what to do");
    return true;
  });
}

test("a file is read, also through a link", () => {
  assert.deepEqual([...readWholeFile(at("full"))], [97, 98, 99]);
  assert.deepEqual([...readWholeFile(at("link"))], [97, 98, 99]);
  assert.equal(checkFile(at("link")).size, 3);
  checkFolder(at("folder"), "a folder");
});

for (const [name, code, word] of [
  ["missing", "file-missing", /no such/],
  ["full/inside", "file-missing", /no such/],
  ["broken", "file-missing", /link to gone/],
  ["round", "file-missing", /leads back/],
  ["folder", "file-is-folder", /folder/],
  ["pipe", "file-type", /named pipe/],
  ["empty", "data-empty", /0 bytes/],
] as const)
  test(`refused: ${name}`, () => {
    holds(() => checkFile(at(name), "an array"), code, at(name), word);
    holds(() => readWholeFile(at(name), "an array"), code, at(name), word);
  });

test("refused in a folder's place: a file, nothing, a broken link", () => {
  holds(() => checkFolder(at("full"), "a folder"), "file-is-folder", at("full"), /file/);
  holds(() => checkFolder(at("missing"), "a folder"), "file-missing", at("missing"), /no such/);
  holds(() => checkFolder(at("broken"), "a folder"), "file-missing", at("broken"), /link to gone/);
});
