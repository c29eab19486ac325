/** The audit in the terminal: one line where all is well, at most one screen otherwise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { auditData, type DataAudit, type DataFinding, loadData } from "../../../src/index.js";
import { auditLines } from "../../../src/learn/report/audit-text.js";

const digits = auditData(await loadData({ source: "digits" }));
const finding = (i: number, level: DataFinding["level"] = "warning"): DataFinding => ({
  code: `code-${i}`,
  level,
  text: `Column ${i} holds something that nobody expected in a column of this kind, in 12 of 1,797 rows.`,
  cure: "Look at it",
});
const withFindings = (findings: readonly DataFinding[]): DataAudit => ({ ...digits, findings });

test("the digits are one line, the data's name, parts and classes in it", () => {
  assert.deepEqual(auditLines(digits), [
    "data: digits, 1,797 samples of 1x8x8 (1,222 train, 216 validation, 359 test), 10 classes",
  ]);
  assert.deepEqual(auditLines(digits, { warningsOnly: true }), []);
  const quiet = { code: "files-hidden", level: "note", quiet: true, text: "3 hidden files were skipped." } as const;
  assert.deepEqual(
    auditLines({ ...digits, findings: [quiet] }),
    auditLines(digits),
    "what is quiet stays off the screen",
  );
});

test("features, unlabelled samples and samples of no part are in the line", () => {
  const parts = [
    { part: "train", samples: 1200, labelled: 1000 },
    { part: "validation", samples: 100, labelled: 100 },
    { part: "test", samples: 50, labelled: 50 },
    { part: "unused", samples: 447, labelled: 447 },
  ] as const;
  const features = { total: 13, shown: [], omitted: 13 };
  assert.deepEqual(auditLines({ ...digits, parts, features }), [
    "data: digits, 1,797 samples of 13 features (1,200 train, 100 validation, 50 test, 447 in no part), 10 classes, 200 samples without a label",
  ]);
  assert.match(auditLines({ ...digits, classes: null })[0] ?? "", /, no labels$/);
});

test("a finding is a warning or a note, with its cure as a sentence, no line too long", () => {
  const lines = auditLines(withFindings([finding(1), finding(2, "note")]), { width: 60 });
  for (const line of lines.slice(1)) assert.ok(line.length <= 60, line);
  const text = lines
    .slice(1)
    .map((l) => l.trim())
    .join(" ");
  assert.match(
    text,
    /values: uint8, 0 to 16 warning: Column 1 holds .* 1,797 rows\. Look at it\. note: Column 2 holds/,
  );
});

test("many findings fill one screen; the rest is counted, with the command that shows it", () => {
  const findings = Array.from({ length: 40 }, (_, i) => finding(i));
  const lines = auditLines(withFindings(findings), { command: "limbeck data recipe.yaml" });
  assert.ok(lines.length <= 24, String(lines.length));
  const shown = lines.filter((l) => l.startsWith("  warning: ")).length;
  assert.ok(shown >= 8, String(shown));
  assert.equal(lines[lines.length - 1], `  and ${40 - shown} more: limbeck data recipe.yaml`);
});

test("with warnings only, notes and the first lines are left out", () => {
  const lines = auditLines(withFindings([finding(1), finding(2, "note")]), { warningsOnly: true, width: 200 });
  assert.deepEqual(lines, [`warning: ${finding(1).text} Look at it.`]);
});
