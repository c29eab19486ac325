/** `npm test` with filters and in watch mode, in a small project of its own with the real scripts. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";

const project = mkdtempSync(join(tmpdir(), "limbeck-runner-"));
after(() => rmSync(project, { recursive: true, force: true }));
for (const name of ["scripts/test.js", "scripts/tests", "package.json", "tsconfig.json"])
  cpSync(name, join(project, name), { recursive: true });
symlinkSync(resolve("node_modules"), join(project, "node_modules"), "junction");
for (const folder of ["bench", "docs", "recipes", "data"]) mkdirSync(join(project, folder));

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
};
const testOf = (name: string, body: string): string =>
  `import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { sum } from "../../src/sum.js";\ntest("${name}", () => ${body});\n`;
write("src/sum.ts", "export const sum = (a: number, b: number): number => a + b;\n");
write("test/sums/small.test.ts", testOf("small", "assert.equal(sum(1, 2), 3)"));
write("test/sums/large.test.ts", testOf("large", "assert.equal(sum(1000, 2000), 3000)"));
write("test/other/wrong.test.ts", testOf("wrong", "assert.equal(sum(1, 1), 3)"));

/** The tests' own context would make the runner below report to this one. */
const env = { ...process.env, NODE_TEST_CONTEXT: undefined };

function npmTest(...args: string[]): { code: number | null; lines: string[]; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(project, "scripts/test.js"), ...args], {
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
  return { code: status, lines: stdout.trimEnd().split("\n"), text: stdout + stderr };
}

test("a filter runs the files whose path has it in it, and names what failed", () => {
  const sums = npmTest("sums/");
  assert.deepEqual([sums.code, sums.lines.at(-1)], [0, "2 passed, 0 failed"], sums.text);
  const pasted = npmTest(resolve(project, "test", "sums", "small.test.ts"), "test\\sums\\large.test.ts");
  assert.deepEqual([pasted.code, pasted.lines.at(-1)], [0, "2 passed, 0 failed"], pasted.text);
  const wrong = npmTest("small", "wrong");
  assert.deepEqual([wrong.code, wrong.lines.at(-1)], [1, "1 passed, 1 failed"], wrong.text);
  assert.match(wrong.text, /FAIL .*wrong\.test\.js > wrong/);
});

test("a filter that matches nothing ends with 1 and names what is near it, even beside one that matches", () => {
  for (const args of [["smoll"], ["large", "smoll"], ["sums/smoll.test.ts"]]) {
    const { code, lines } = npmTest(...args);
    assert.equal(code, 1);
    assert.match(lines.at(-2) as string, /matches ".*smoll.*"; near it: test\/sums\/small\.test\.ts$/);
    assert.equal(lines.at(-1), "0 passed, 1 failed");
  }
});

test("--slowest lists the files that took longest", () => {
  const { lines, text } = npmTest("--slowest=1", "sums/");
  assert.match(lines.at(-4) as string, /of 2 test files/, text);
  assert.match(lines.at(-3) as string, /^ +\d+\.\d s +\d+\.\d % {2}test\/sums\/(small|large)\.test\.ts$/);
  assert.equal(lines.at(-1), "2 passed, 0 failed");
});

test("--help runs nothing, and an unknown option is refused", () => {
  const help = npmTest("--help");
  assert.equal(help.code, 0);
  for (const option of ["--watch", "--slowest", "filter"]) assert.ok(help.text.includes(option), option);
  assert.doesNotMatch(help.text, /\d passed/);
  assert.deepEqual([npmTest("--wacht").code, npmTest("--slowest=many").code], [1, 1]);
});

test("what was compiled from a removed file does not run, with a filter or without, and a lost output is compiled again", () => {
  write("test/sums/gone.test.ts", testOf("gone", "assert.fail()"));
  assert.equal(npmTest("sums/").lines.at(-1), "2 passed, 1 failed");
  rmSync(join(project, "test/sums/gone.test.ts"));
  assert.ok(existsSync(join(project, "build/test/sums/gone.test.js")));
  assert.equal(npmTest("sums/").lines.at(-1), "2 passed, 0 failed");
  assert.ok(!existsSync(join(project, "build/test/sums/gone.test.js")), "its output is gone");
  rmSync(join(project, "build/src/sum.js"));
  assert.equal(npmTest("sums/").lines.at(-1), "2 passed, 0 failed");
  write("build/test/sums/planted.test.js", "throw new Error('planted');\n");
  const all = npmTest();
  assert.equal(all.lines.at(-1), "2 passed, 1 failed", all.text);
});

test("what does not compile counts as a failure, and is said again the next time", () => {
  write("src/broken.ts", 'export const broken: number = "text";\n');
  for (const _ of [1, 2]) {
    const { code, lines, text } = npmTest("small");
    assert.deepEqual([code, lines.at(-1)], [1, "0 passed, 1 failed"], text);
    assert.match(text, /src[\\/]broken\.ts/);
  }
  rmSync(join(project, "src/broken.ts"));
});

/** Waits until a process has printed so many matches. */
function untilPrinted(child: ChildProcess, pattern: RegExp, count: number): Promise<string> {
  return new Promise((done, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`not within a minute: ${text}`)), 60_000);
    child.stdout?.on("data", (part: Buffer) => {
      text += part;
      if ((text.match(pattern) ?? []).length < count) return;
      clearTimeout(timer);
      done(text);
    });
  });
}

for (const filters of [["small"], []])
  test(`--watch with ${filters.length} filters runs again after a change, and Ctrl-C ends it`, async () => {
    const child = spawn(process.execPath, [join(project, "scripts/test.js"), "--watch", ...filters], { env });
    after(() => child.kill("SIGKILL"));
    const ended = new Promise<number | null>((done) => child.on("close", done));
    await untilPrinted(child, /watching for changes/g, 1);
    const again = untilPrinted(child, /watching for changes/g, 1);
    write("src/sum.ts", "export const sum = (a: number, b: number): number => a + b + 1;\n");
    const said = await again;
    assert.match(said, /changed: src\/sum\.ts/);
    // 1 + 2 + 1 is not 3; 1 + 1 + 1 is what the wrong test expects.
    assert.match(said, filters.length > 0 ? /0 passed, 1 failed/ : /1 passed, 2 failed/);
    const mended = untilPrinted(child, /watching for changes/g, 1);
    write("src/sum.ts", "export const sum = (a: number, b: number): number => a + b;\n");
    assert.match(await mended, filters.length > 0 ? /1 passed, 0 failed/ : /2 passed, 1 failed/);
    child.kill("SIGINT");
    // Windows has no signals: there the process is ended from outside.
    if (process.platform !== "win32") assert.equal(await ended, 0);
  });
