/** What reaches a terminal: nothing it would obey, nothing secret, and no stack trace when nobody reads. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { printable, printableName, printablePainted } from "../../src/cli/printable.js";
import { rememberSecret } from "../../src/base/secrets.js";
import { LAUNCHER, limbeck, temporary } from "./support.js";

const { folder, remove } = temporary();
after(remove);

const ESCAPE = String.fromCharCode(27);
/** Clears the screen, moves the cursor, hides text, sets a title, turns the direction of writing, 8-bit controls. */
const HOSTILE = `${ESCAPE}[2Ja\rb${ESCAPE}[8mc${ESCAPE}]0;title\u0007\u202ed\u009b5m\u0000`;
const controls = (text: string): string[] =>
  [...text].filter((c) => /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(c) && c !== "\n" && c !== "\t");

test("control characters of names are written out; lines, tabs and colours stay where they belong", () => {
  rememberSecret("printed-SECRET-1");
  assert.equal(printable(`one\n\ttwo printed-SECRET-1`), "one\n\ttwo ***");
  assert.deepEqual(controls(printable(HOSTILE)), []);
  assert.match(printable(HOSTILE), /\\u001b\[2Ja/, "they are told, not dropped");
  assert.equal(printableName("two\nlines"), "two\\u000alines");
  const painted = `${ESCAPE}[32mgreen${ESCAPE}[39m ${HOSTILE}`;
  assert.equal(printablePainted(painted).slice(0, 16), `${ESCAPE}[32mgreen${ESCAPE}[39m `);
  assert.deepEqual(
    controls(printablePainted(painted)).map((c) => c.charCodeAt(0)),
    [27, 27],
  );
});

test("folders, runs and endpoints with hostile names print no control character", async () => {
  const state = { recipe: "", name: HOSTILE, status: "done", kind: "label" };
  const run = join(folder, "runs", `a${ESCAPE}[2Jb`);
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "state.json"), JSON.stringify(state));
  const damaged = join(folder, "runs", `c${ESCAPE}]0;x\u0007d`);
  mkdirSync(damaged);
  writeFileSync(join(damaged, "state.json"), "{");
  const listed = await limbeck(["runs"], { cwd: folder });
  assert.equal(listed.code, 0, listed.stderr);
  assert.deepEqual(controls(listed.stdout + listed.stderr), []);
  assert.match(listed.stdout, /damaged/);
  assert.match(listed.stdout, /state\.json is not valid JSON/);
  const missing = await limbeck(["distill", `x${HOSTILE.replaceAll("\u0000", "")}.yaml`], { cwd: folder });
  assert.equal(missing.code, 2);
  assert.deepEqual(controls(missing.stdout + missing.stderr), []);
  const option = await limbeck([`--x${ESCAPE}[2J`], { cwd: folder });
  assert.equal(option.code, 2);
  assert.deepEqual(controls(option.stdout + option.stderr), []);
});

test("nobody reads stdout or stderr: the command ends quietly", async () => {
  for (const [closed, args] of [
    ["stderr", ["distill", "missing.yaml"]],
    ["stdout", ["runs", folder]],
    ["stderr", ["--no-such-flag"]],
  ] as const) {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    child[closed].destroy();
    let text = "";
    child[closed === "stderr" ? "stdout" : "stderr"].setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    assert.equal(code, 141, `${args.join(" ")}: ${text}`);
    assert.equal(text, "");
  }
});
