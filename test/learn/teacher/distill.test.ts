/** Foreign teachers through a whole run: what opens as a teacher is measured and reported, too. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill } from "../../../src/index.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-foreign-"));
after(() => rmSync(root, { recursive: true, force: true }));

for (const file of ["zip-map", "batch-one", "hidden-batch", "nhwc", "bytes", "half", "twelve"]) {
  test(`${file} teaches, and its row has every figure`, async () => {
    const blank = ["none", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "blank"];
    const { summary } = await distill(
      {
        name: file,
        data: { source: "digits" },
        teacher: {
          file: join("test", "fixtures", "teacher", `${file}.onnx`),
          classes: file === "twelve" ? blank : undefined,
        },
        student: { kind: "mlp", hidden: [16] },
        training: { epochs: 60 },
        baseline: false,
        evaluation: { latency_runs: 5 },
      },
      { out: join(root, file) },
    );
    const row = (role: string) => summary.models.find((m) => m.role === role);
    const [teacher, student] = [row("teacher"), row("student")];
    assert.ok((teacher?.accuracy?.mean as number) > 0.9, `teacher ${teacher?.accuracy?.mean}`);
    assert.ok((student?.agreement?.mean as number) > 0.8, `agreement ${student?.agreement?.mean}`);
    assert.ok((teacher?.latency?.medianMs as number) > 0, "latency of the teacher");
  });
}
