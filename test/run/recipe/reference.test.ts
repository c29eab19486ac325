/** The recipe reference describes each thing once, and its links lead there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "../../../src/run/entries.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { recipeReference } from "../../../src/run/recipe/reference.js";

const page = recipeReference();
const lines = page.split("\n");
const headings = lines.filter((line) => /^##+ /.test(line)).map((line) => line.replace(/^##+ /, ""));

/** A heading's text up to the next heading. */
function under(heading: string): string {
  const from = lines.findIndex((line) => line === `## ${heading}` || line === `### ${heading}`);
  assert.ok(from >= 0, heading);
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => /^##+ /.test(line));
  return rest.slice(0, end < 0 ? undefined : end).join("\n");
}

test("no table and no heading appears twice", () => {
  const tables = page.split("\n\n").filter((block) => block.startsWith("| field"));
  assert.ok(tables.length > 60, `${tables.length} tables`);
  assert.deepEqual(
    tables.filter((table, i) => tables.indexOf(table) !== i),
    [],
  );
  assert.deepEqual(
    headings.filter((heading, i) => headings.indexOf(heading) !== i),
    [],
  );
});

test("every link leads to a heading, and every section but the first is linked to", () => {
  // GitHub: small letters, punctuation away, spaces become hyphens.
  const anchors = headings.map((heading) =>
    [...heading.toLowerCase()]
      .filter((letter) => /[\p{L}\p{N}_ -]/u.test(letter))
      .join("")
      .replaceAll(" ", "-"),
  );
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor as string);
  assert.deepEqual(
    links.filter((link) => !anchors.includes(link)),
    [],
  );
  const sections = headings.filter((heading) => !heading.includes(": ") && heading !== "The recipe");
  for (const section of sections) assert.ok(links.includes(section.toLowerCase().replaceAll(".", "")), section);
});

test("models, trainings, losses and teachers are described once and linked to from wherever they may stand", () => {
  assert.match(under("The recipe"), /\| `student` \| \[models\]\(#models\)/);
  assert.match(under("The recipe"), /\| `training` \| \[training\]\(#training\)/);
  assert.match(
    under("teacher: `model, training`"),
    /\| `model` \| \[models\]\(#models\).*\n.*\[training\]\(#training\)/,
  );
  assert.match(under("strategy: `kind: assistants`"), /\| `models` \| list of \[models\]\(#models\)/);
  assert.match(under("teacher.group"), /\[`file`\]\(#teacher-file\)/);
  assert.doesNotMatch(under("teacher.group"), /\| field/);
  assert.match(under("objective.terms"), /\| `weight` \|[\s\S]*\[losses\]\(#losses\)/);
  assert.match(under("objective"), /\| `alpha_schedule` \| \[factors\]\(#factors\)/);
  assert.match(under("data.normalise"), /\| `mean` \|/);
  assert.match(under("teacher: `file`"), /\| `normalise` \| `auto`, `data`, `none`, `unit` or \[data.normalise\]/);
});

test("every loss against a teacher has a heading; the distillation loss links to those against answers alone", () => {
  const against = (kind: string): string[] =>
    headings.filter((h) => h.startsWith("losses: ") && h.includes(`\`kind: ${kind}\``));
  for (const { kind } of lossesAgainst("answers", "layers")) assert.equal(against(kind).length, 1, kind);
  const linked = [...under("objective.distillation_loss").matchAll(/`kind: ([\w-]+)`/g)].map(([, kind]) => kind);
  assert.deepEqual(
    linked,
    lossesAgainst("answers").map(({ kind }) => kind),
  );
});
