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

/** Between the outputs of two examples. */
const MARK = "\u0000";
/** A page that takes longer has an example that does not end. */
const LONGEST_MS = 300_000;

/** Runs examples one after the other in one process, which must end by itself. @returns what each printed */
async function outputsOf(page: string, found: readonly { line: number; code: string }[], folder: string) {
  const files = found.map(({ code }, i) => {
    const file = `example-${i}.mjs`;
    writeFileSync(join(folder, file), code.replaceAll('from "limbeck"', `from ${JSON.stringify(library)}`));
    return file;
  });
  const program = join(folder, "page.mjs");
  const next = `process.stdout.write(${JSON.stringify(MARK)});\n`;
  writeFileSync(program, files.map((file) => `${next}await import("./${file}");\n`).join(""));
  const options = { cwd: folder, timeout: LONGEST_MS };
  const { stdout } = await run(process.execPath, [program], options).catch(
    (error: Error & { readonly stdout: string; readonly stderr: string }) => {
      const at = error.stdout.split(MARK).length - 2;
      return assert.fail(`${page}:${found[at]?.line}: ${error.message}\n${error.stderr}`);
    },
  );
  return stdout.split(MARK).slice(1);
}

for (const page of pages) {
  const found = examples(page);
  if (found.length === 0) continue;
  test(`the ${found.length} examples of ${page}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "limbeck-docs-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    for (const { line, code } of found) assert.match(code, /from "limbeck"/, `${page}:${line} shows the library`);
    const outputs = await outputsOf(page, found, folder);
    assert.equal(outputs.length, found.length);
    for (const [i, { line, code }] of found.entries()) {
      const stdout = outputs[i] as string;
      if (code.includes("console.log")) assert.notEqual(stdout.trim(), "", `${page}:${line} prints something`);
      assert.doesNotMatch(stdout, /undefined|NaN/, `${page}:${line}`);
    }
  });
}

test("there are examples", () => assert.ok(pages.flatMap(examples).length >= 6));
