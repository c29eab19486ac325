/** The examples of the documentation run, in order, in one empty folder. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { transformSync } from "esbuild";

const run = promisify(execFile);
const library = new URL("../../src/index.js", import.meta.url).href;
const pages = ["README.md", ...readdirSync("docs").map((f) => join("docs", f))].filter((f) => f.endsWith(".md"));

/** The ```js and ```ts blocks of a page with their line numbers; types are stripped. */
function examples(page: string): { line: number; code: string }[] {
  const text = readFileSync(page, "utf8");
  return [...text.matchAll(/^```(js|ts)\n([\s\S]*?)^```$/gm)].map((m) => ({
    line: text.slice(0, m.index).split("\n").length + 1,
    code: m[1] === "ts" ? transformSync(m[2] as string, { loader: "ts", target: "es2022" }).code : (m[2] as string),
  }));
}

for (const page of pages) {
  const found = examples(page);
  if (found.length === 0) continue;
  test(`the ${found.length} examples of ${page}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "limbeck-docs-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    for (const { line, code } of found) {
      assert.match(code, /from "limbeck"/, `${page}:${line} shows the library`);
      const file = join(folder, "example.mjs");
      writeFileSync(file, code.replaceAll('from "limbeck"', `from ${JSON.stringify(library)}`));
      const { stdout } = await run(process.execPath, [file], { cwd: folder }).catch((error: Error) =>
        assert.fail(`${page}:${line}: ${error.message}`),
      );
      if (code.includes("console.log")) assert.notEqual(stdout.trim(), "", `${page}:${line} prints something`);
      assert.doesNotMatch(stdout, /undefined|NaN/, `${page}:${line}`);
    }
  });
}

test("there are examples", () => assert.ok(pages.flatMap(examples).length >= 6));
