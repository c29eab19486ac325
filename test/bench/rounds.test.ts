import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { playRounds } from "../../bench/harness/rounds.js";

/** A runner that notes its turns and ends in its n-th when it is told to fail. */
const RUNNER = `
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
const [name, notes, failing] = process.argv.slice(2);
const say = (m) => console.log(JSON.stringify(m));
console.log("a library says hello");
say({ ready: true, version: name + " 1", detail: "", parameters: 1, openSeconds: 0 });
let turns = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  appendFileSync(notes, name + " " + request.kind + "\\n");
  if (request.kind === "losses") say({ losses: [1, 0.5] });
  else if (request.kind === "run") {
    if (++turns === Number(failing)) { console.error("out of luck"); process.exit(3); }
    say({ steps: 4 * turns, seconds: request.seconds, loss: 0.1 });
  } else { say({ peakBytes: 42 }); break; }
}
process.stdin.destroy();
`;

test("systems take turns; one that fails is told and the others go on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-rounds-"));
  try {
    const [script, notes] = [join(folder, "runner.mjs"), join(folder, "notes")];
    writeFileSync(script, RUNNER);
    appendFileSync(notes, "");
    const contestant = (name: string, failing: number) => ({
      name,
      command: { command: process.execPath, args: [script, name, notes, String(failing)] },
    });
    const { outcomes, failures } = await playRounds([contestant("a", 0), contestant("b", 3), contestant("c", 0)], {
      rounds: 3,
      seconds: 1,
      log: () => undefined,
    });
    const turns = readFileSync(notes, "utf8").trim().split("\n");
    // Losses and a warm-up turn each, then the rounds; b fails in its second counted turn.
    const warm = ["a", "b", "c"].flatMap((n) => [`${n} losses`, `${n} run`]);
    const rounds = ["a", "b", "c", "a", "b", "c", "a", "c"].map((n) => `${n} run`);
    assert.deepEqual(turns, [...warm, ...rounds, "a quit", "c quit"]);
    assert.deepEqual(
      outcomes.map((o) => [o.system, o.milliseconds, o.losses, o.peakBytes, o.steps]),
      ["a", "c"].map((n) => [n, [1000 / 8, 1000 / 12, 1000 / 16], [1, 0.5], 42, 36]),
    );
    assert.equal(failures.length, 1);
    assert.equal(failures[0]?.system, "b");
    assert.match(failures[0]?.error ?? "", /ended early[\s\S]*out of luck/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a command that does not exist is a failure, not a crash", async () => {
  const { outcomes, failures } = await playRounds(
    [{ name: "absent", command: { command: "/nowhere/at-all", args: [] } }],
    { rounds: 1, seconds: 1, log: () => undefined },
  );
  assert.deepEqual(outcomes, []);
  assert.match(failures[0]?.error ?? "", /ENOENT|ended early/);
});
