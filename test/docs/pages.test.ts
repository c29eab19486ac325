/** What pages of the documentation say and show: tables are whole, and the commands of the guide do what it says. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { limbeck } from "../cli/support.js";

const pages = ["README.md", ...readdirSync("docs").map((f) => join("docs", f))].filter((f) => f.endsWith(".md"));

/** Cells of a line of a table; a bar behind a backslash is text. */
const cellsOf = (line: string): number => line.replaceAll("\\|", "").split("|").length;

for (const page of pages) {
  test(`every row of every table in ${page} has the columns of its head`, () => {
    const lines = readFileSync(page, "utf8").split("\n");
    let head: number | null = null;
    for (const [i, line] of lines.entries()) {
      if (!line.startsWith("|")) head = null;
      else {
        head ??= cellsOf(line);
        assert.equal(cellsOf(line), head, `${page}:${i + 1}`);
        assert.ok(line.trimEnd().endsWith("|"), `${page}:${i + 1} is cut off`);
      }
    }
  });
}

test("getting started: the answers of `label` are used by the command that the page gives, without the teacher", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "limbeck-guide-"));
  after(() => rmSync(cwd, { recursive: true, force: true }));
  const page = readFileSync("docs/getting-started.md", "utf8");
  const command = "npx limbeck distill my-recipe.yaml --set 'teacher={label_store: label-stores/my-recipe}'";
  assert.ok(page.includes(command), "the page has this command");
  copyFileSync("test/fixtures/teacher/plain.onnx", join(cwd, "my-classifier.onnx"));
  writeFileSync(
    join(cwd, "my-recipe.yaml"),
    `name: my-recipe
data: { source: digits }
teacher: { file: my-classifier.onnx }
student: { kind: mlp, hidden: [4] }
training: { steps: 5 }
baseline: false
`,
  );
  const labelled = await limbeck(["label", "my-recipe.yaml", "--quiet"], { cwd });
  assert.equal(labelled.code, 0, labelled.stderr);
  assert.ok(existsSync(join(cwd, "label-stores", "my-recipe", "store.json")));
  const again = await limbeck(["label", "my-recipe.yaml", "--quiet"], { cwd });
  assert.equal(again.code, 2);
  rmSync(join(cwd, "my-classifier.onnx"));
  const set = "teacher={label_store: label-stores/my-recipe}";
  const distilled = await limbeck(["distill", "my-recipe.yaml", "--quiet", "--json", "--set", set], { cwd });
  assert.equal(distilled.code, 0, distilled.stderr);
  const { models } = JSON.parse(distilled.stdout) as { models: { role: string }[] };
  assert.deepEqual(
    models.map((m) => m.role),
    ["teacher", "student"],
  );
  const asked = await limbeck(["distill", "my-recipe.yaml", "--quiet"], { cwd });
  assert.equal(asked.code, 2, "with teacher.file the model itself is asked");
});
