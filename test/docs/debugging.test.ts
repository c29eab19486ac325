/** The commands of docs/debugging.md run, and its tables name every scope and every pass. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { DEBUG_SCOPES } from "../../src/base/debug.js";
import { limbeck, limbeckMany, type Outcome, temporary } from "../cli/support.js";

const page = readFileSync("docs/debugging.md", "utf8");
const lines = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap((m) => (m[1] as string).trim().split("\n"));

interface Command {
  readonly line: string;
  readonly debug: string | undefined;
  readonly args: readonly string[];
  readonly code: number;
}

/** `LIMBECK_DEBUG=scopes limbeck arguments # exit code n` */
const commands = lines.flatMap((line): Command[] => {
  const [, debug, words, code] = /^(?:LIMBECK_DEBUG=(\S+) )?limbeck (.*?)(?: +# exit code (\d+))?$/.exec(line) ?? [];
  return words === undefined ? [] : [{ line, debug, args: words.split(" "), code: Number(code ?? 0) }];
});

const { folder, remove } = temporary();
after(remove);
copyFileSync("test/fixtures/student/torchscript.onnx", join(folder, "model.onnx"));
writeFileSync(
  join(folder, "recipe.yaml"),
  stringify({
    name: "debugged",
    data: { source: "digits" },
    teacher: { model: { kind: "mlp", hidden: [16] }, training: { steps: 20 } },
    student: { kind: "cnn", layers: [{ conv: 3, kernel: 3 }, { activation: "relu" }, { max_pool: 2 }] },
    training: { steps: 20 },
    evaluation: { latency_runs: 2 },
  }),
);

/** What a command printed, by its line. */
const outcomes = new Map<string, Outcome>();
const outcome = (line: string): Outcome => {
  const found = outcomes.get(line);
  assert.ok(found, `the page has the command ${line}`);
  return found;
};

test("every command ends as the page says", async () => {
  assert.ok(commands.length >= 12);
  const plain = commands.filter((c) => c.debug === undefined);
  const together = await limbeckMany(
    plain.map((c) => c.args),
    { cwd: folder },
  );
  for (const [i, { line }] of plain.entries()) outcomes.set(line, together[i] as Outcome);
  for (const { line, args, debug } of commands)
    if (debug !== undefined) outcomes.set(line, await limbeck(args, { cwd: folder, env: { LIMBECK_DEBUG: debug } }));
  for (const { line, code } of commands) assert.equal(outcome(line).code, code, `${line}: ${outcome(line).stderr}`);
  const scopes = (stderr: string): string[] =>
    [...new Set([...stderr.matchAll(/^limbeck:(\w+)/gm)].map((m) => m[1] as string))].sort();
  for (const { line, debug } of commands) {
    const expected = debug === undefined ? [] : debug === "*" ? Object.keys(DEBUG_SCOPES) : debug.split(",");
    const said = scopes(outcome(line).stderr);
    // A training on labels alone asks no teacher.
    const silent = line.includes("limbeck train") ? ["teacher"] : [];
    assert.deepEqual(said, expected.filter((s) => !silent.includes(s)).sort(), line);
  }
});

test("the tables name every scope, and the passes that the commands print", () => {
  const cells = [...page.matchAll(/^\| `([\w-]+)` \|/gm)].map((m) => m[1] as string);
  const passes = commands
    .filter((c) => c.args.includes("--graph"))
    .flatMap(({ line }) => [...outcome(line).stdout.matchAll(/^([\w-]+) +\d+ +\d+ {2}/gm)].map((m) => m[1] as string));
  assert.deepEqual(
    [...new Set([...Object.keys(DEBUG_SCOPES), ...passes])].filter((name) => name !== "built").sort(),
    cells.sort(),
  );
});

test("the filters of the page match test files, and its options exist", async () => {
  const { selectTests, testSources } = (await import(pathToFileURL(resolve("scripts/tests/select.js")).href)) as {
    testSources(): string[];
    selectTests(sources: string[], filters: string[]): string[];
  };
  const script = readFileSync("scripts/test.js", "utf8");
  const runs = lines.filter((line) => line.startsWith("npm test -- "));
  assert.equal(runs.length + commands.length, lines.length, "every line is a command that is checked");
  for (const line of runs)
    for (const word of line.slice("npm test -- ".length).split(" ")) {
      const [option, name] = /^--(\w+)/.exec(word) ?? [];
      if (option) assert.ok(script.includes(`${name}: { type:`), word);
      else assert.ok(selectTests(testSources(), [word]).length > 0, word);
    }
});
