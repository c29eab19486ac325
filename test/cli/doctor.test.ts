/** `limbeck doctor` as it is typed. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import type { Finding } from "../../src/index.js";
import { limbeck, temporary } from "./support.js";

const { folder, remove } = temporary();
after(remove);
const teacher = (name: string): string => resolve(`test/fixtures/teacher/${name}.onnx`);
writeFileSync(
  join(folder, "recipe.yaml"),
  `name: patient
data: { source: digits }
teacher: { file: ${JSON.stringify(teacher("hidden-batch"))} }
student: { kind: mlp, hidden: [4] }
training: { steps: 300, batch: 32 }
`,
);
const doctor = (args: readonly string[], options: object = {}) =>
  limbeck(["doctor", "recipe.yaml", ...args], { cwd: folder, ...options });

test("--json has every check, those left out too; a failed one is exit code 1", async () => {
  const quick = await doctor(["--quick", "--json"]);
  assert.equal(quick.code, 0, quick.stderr);
  assert.equal(quick.stderr, "");
  const { findings } = JSON.parse(quick.stdout) as { findings: Finding[] };
  assert.equal(new Set(findings.map((f) => f.check)).size, 19);
  assert.ok(findings.every((f) => (f.change !== "") === (f.status === "warn" || f.status === "fail")));
  const left = findings.filter((f) => f.found.includes("--quick")).map((f) => f.check);
  assert.deepEqual(left, ["teacher against baseline", "size of the student"]);
  const planted = await doctor(["--quick", "-q", "--set", `teacher.file=${teacher("reversed")}`]);
  assert.equal(planted.code, 1, planted.stderr);
  assert.match(
    planted.stdout,
    /^fail {2}teacher against labels: .*different order.*\n {6}why: .*\n {6}change: .*teacher\.classes/m,
  );
});

test("progress goes to stderr, the findings to stdout; Ctrl-C leaves nothing behind", async () => {
  const whole = await doctor([]);
  assert.match(whole.stderr, /^Checking patient$/m);
  assert.match(whole.stderr, /^ {2}baseline: 300\/300/m);
  assert.match(whole.stdout, /^ok {4}selection: /m);
  const stopped = await doctor(["--set", "training.steps=5000000"], {
    signal: { name: "SIGINT", after: "labelling with" },
  });
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.match(stopped.stderr, /stopping; nothing is kept/);
  assert.equal(stopped.stdout, "");
  assert.deepEqual(readdirSync(folder), ["recipe.yaml"]);
});
