import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeFolder, writeFileAtomic } from "../../src/node/atomic.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-folders-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("folders are made level by level; a file in the way is an error", () => {
  makeFolder(join(folder, "a", "b", "c"));
  makeFolder(join(folder, "a", "b", "c"));
  assert.ok(statSync(join(folder, "a", "b", "c")).isDirectory());
  writeFileSync(join(folder, "file"), "x");
  assert.throws(() => makeFolder(join(folder, "file", "below")));
});

test("where nothing can be made it fails, and does not try forever", { skip: process.platform !== "linux" }, () => {
  assert.throws(() => makeFolder("/proc/limbeck"), /ENOENT|EACCES|EPERM/);
});

test("a failed write leaves neither the file nor a temporary one", async () => {
  const target = join(folder, "target");
  makeFolder(join(target, "x"));
  await assert.rejects(writeFileAtomic(target, "text"));
  assert.deepEqual(
    readdirSync(folder).filter((f) => f.endsWith(".tmp")),
    [],
  );
});
