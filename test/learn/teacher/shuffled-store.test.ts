/** A label store whose rows were moved after it was written teaches nothing: whoever reads it is told. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  Distiller,
  distill,
  InputError,
  labelData,
  loadData,
  type RecipeInput,
  readLabelStore,
  sweep,
} from "../../../src/index.js";
import { hasHash } from "../../../src/learn/teacher/store/stored-rows.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-shuffled-"));
after(() => rmSync(root, { recursive: true, force: true }));
const teacherFile = join(process.cwd(), "test", "fixtures", "teacher", "plain.onnx");

const recipe = (more: Partial<RecipeInput> = {}): RecipeInput => ({
  name: "shuffled",
  data: { source: "digits" },
  teacher: { file: teacherFile },
  student: { kind: "mlp", hidden: [4] },
  training: { steps: 3 },
  baseline: false,
  evaluation: { latency_runs: 5 },
  ...more,
});
const { data } = await loadData({ source: "digits" });

/** Moves every row: 1009 is prime to their number. */
function shuffle(folder: string, rowBytes: number): void {
  const file = join(folder, "outputs.bin");
  const bytes = readFileSync(file);
  const rows = bytes.length / rowBytes;
  const moved = Buffer.alloc(bytes.length);
  for (let i = 0; i < rows; i++)
    bytes.copy(moved, ((i * 1009 + 7) % rows) * rowBytes, i * rowBytes, (i + 1) * rowBytes);
  writeFileSync(file, moved);
}

const hashOf = (folder: string): string =>
  createHash("sha256")
    .update(readFileSync(join(folder, "outputs.bin")))
    .digest("hex");

const told = (folder: string, written: string) => (error: unknown) => {
  assert.ok(error instanceof InputError, String(error));
  assert.deepEqual([error.code, error.where], ["store-mismatch", folder]);
  assert.ok(error.found.includes(hashOf(folder).slice(0, 12)), error.found);
  assert.ok(error.expected?.includes(written.slice(0, 12)), error.expected);
  assert.ok(error.cure?.includes("limbeck label"));
  return true;
};

for (const precision of ["float32", "float16"] as const)
  test(`${precision}, held or read by rows: refused; checked once while nobody writes to it`, async () => {
    const folder = join(root, precision);
    await labelData(recipe({ teacher: { file: teacherFile, precision } }), { out: folder });
    const [file, written] = [join(folder, "outputs.bin"), hashOf(folder)];
    assert.equal(readLabelStore(folder, data).header.outputsHash, written);
    assert.ok(hasHash(file, written));
    const bytes = readFileSync(file);
    writeFileSync(file, bytes);
    assert.ok(!hasHash(file, written), "it may hold anything now");
    readLabelStore(folder, data, { memory: 0 });
    assert.ok(hasHash(file, written), "read through, and found as it was");
    shuffle(folder, precision === "float32" ? 40 : 20);
    assert.throws(() => readLabelStore(folder, data), told(folder, written));
    assert.throws(() => readLabelStore(folder, data, { memory: 0 }), told(folder, written));
    assert.ok(!readLabelStore(folder, data, { checkHash: false }).outputs.some(Number.isNaN));
    // A header of before the hash was written down decides nothing.
    const header = join(folder, "store.json");
    const { outputsHash: _, ...before } = JSON.parse(readFileSync(header, "utf8")) as Record<string, unknown>;
    writeFileSync(header, JSON.stringify(before));
    assert.equal(readLabelStore(folder, data).header.outputsHash, undefined);
  });

test("distill, sweep and Distiller refuse it", async () => {
  const store = join(root, "answers");
  await labelData(recipe(), { out: store });
  const written = hashOf(store);
  const taught = recipe({ teacher: { label_store: store } });
  await distill(taught, { out: join(root, "right") });
  const hands = async (folder: string): Promise<void> => {
    const distiller = new Distiller({ teacher: teacherFile, student: { kind: "mlp", hidden: [4] }, threads: 1 });
    try {
      await distiller.compile({ alpha: 1 }).fit(await loadData({ source: "digits" }), { steps: 1, labelStore: folder });
    } finally {
      await distiller.dispose();
    }
  };
  const own = join(root, "own");
  await hands(own);
  await hands(own);
  const ownHash = hashOf(own);
  shuffle(store, 40);
  shuffle(own, 40);
  await assert.rejects(distill(taught, { out: join(root, "wrong") }), told(store, written));
  await assert.rejects(
    sweep({ ...taught, sweep: { grid: { "objective.alpha": [0.5, 0.9] } } } as RecipeInput, {
      out: join(root, "swept"),
    }),
    told(store, written),
  );
  await assert.rejects(hands(own), told(own, ownHash));
  assert.ok(!existsSync(join(root, "wrong", "trainings")), "nothing was trained");
});
