/** A run with LIMBECK_DEBUG: what each scope says is what happened, on stderr only. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { limbeck, type Outcome, SMALL, temporary } from "./support.js";

const { folder, remove } = temporary();
after(remove);

const STEPS = 40;
const args = (out: string): string[] => [
  ...["distill", "--out", out, "--quiet", "--json", ...SMALL, "--set", "seeds=1", "--set", `training.steps=${STEPS}`],
];

interface Line {
  readonly scope: string;
  readonly seconds: number;
  readonly text: string;
}

function linesIn(stderr: string): Line[] {
  return [...stderr.matchAll(/^limbeck:(\w+) (\d+\.\d{3}) s {2}(.+)$/gm)].map(([, scope, seconds, text]) => ({
    scope: scope as string,
    seconds: Number(seconds),
    text: text as string,
  }));
}

test("every scope, a run with several workers, and a scope that does not exist", async () => {
  const run = await limbeck(args("all"), { cwd: folder, env: { LIMBECK_DEBUG: "*,comple" } });
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stderr.match(/has no scope "comple"/g)?.length, 1, "once, whatever the number of workers");
  assert.ok(JSON.parse(run.stdout), "stdout holds the result alone");
  const lines = linesIn(run.stderr);
  const of = (scope: string): string[] => lines.filter((l) => l.scope === scope).map((l) => l.text);
  assert.deepEqual([...new Set(lines.map((l) => l.scope))].sort(), [
    "compile",
    "data",
    "session",
    "teacher",
    "train",
    "verify",
  ]);
  assert.ok(lines.every((l) => l.seconds > 0 && l.seconds < 60));

  // The digits, whose numbers the README gives.
  const data = of("data").find((text) => text.includes("1,797 samples of [1,8,8], 10 classes"));
  assert.match(data as string, /1069 for training, 189 for validation, 539 for test/);

  // Each pass gets the nodes that the one before it made, from a graph as it was built.
  let nodes = Number.NaN;
  const passes = of("compile").flatMap((text) => {
    const built = /built in .* nodes: (\d+)/.exec(text);
    if (built) nodes = Number(built[1]);
    const pass = /training_step: ([\w-]+) in .* nodes: (\d+) -> (\d+)/.exec(text);
    if (!pass) return [];
    assert.equal(Number(pass[2]), nodes, text);
    nodes = Number(pass[3]);
    return [pass[1]];
  });
  assert.deepEqual(passes.slice(0, 3), ["lowering", "common-subexpressions", "dead-nodes"]);
  assert.equal(passes.length % 3, 0);
  const checked = of("verify").filter((text) => text.startsWith("training_step: valid after "));
  assert.equal(checked.length, passes.length, "each pass is followed by a check");

  // Every step of a student, once and in order.
  const steps = of("train").flatMap((text) => {
    const [, first, last] = /^student, seed 0: steps (\d+) to (\d+) in/.exec(text) ?? [];
    return first ? Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i) : [];
  });
  assert.deepEqual(
    steps,
    Array.from({ length: STEPS }, (_, i) => i + 1),
  );
  assert.ok(of("train").some((text) => /^student, seed 0: validated after step 40 .*"accuracy":0\.\d/.test(text)));

  const answered = of("teacher").map((text) =>
    /answered samples (\d+) to (\d+) of 1797/.exec(text)?.slice(1).map(Number),
  );
  const counts = answered.flatMap((range) => (range ? [(range[1] as number) - (range[0] as number) + 1] : []));
  assert.equal(
    counts.reduce((a, b) => a + b, 0),
    1797,
    "every sample is labelled once",
  );
  assert.ok(
    of("session").some((text) => /^opened [\d,]+ bytes in [\d.]+ ms: device cpu, threads/.test(text)),
    "a worker's",
  );
  assert.ok(of("session").some((text) => /^opened all.trainings.student/.test(text)));
});

test("one scope says nothing of the others, and without the variable there is no line", async () => {
  writeFileSync(join(folder, "recipe.yaml"), "name: small\ndata: { source: digits }\nstudent: { kind: mlp }\n");
  const look = (scope: string): Promise<Outcome> =>
    limbeck(["data", "recipe.yaml"], { cwd: folder, env: { LIMBECK_DEBUG: scope } });
  const [one, none] = [await look("data"), await look("")];
  assert.deepEqual([one.code, none.code], [0, 0], one.stderr);
  assert.deepEqual([...new Set(linesIn(one.stderr).map((l) => l.scope))], ["data"]);
  assert.doesNotMatch(none.stderr, /limbeck:/);
  assert.equal(one.stdout, none.stdout);
});
