/** Teachers that answer with embeddings: students without labels are chosen and judged by the cosine. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill, type RecipeInput } from "../../src/index.js";
import { tensor } from "../../src/engine/graph/tensor.js";
import { Random } from "../../src/engine/random/random.js";
import { openSession } from "../../src/node/session.js";
import { encodeNpy } from "../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-embeddings-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const fixture = join(process.cwd(), "test", "fixtures", "encoders", "minilm-torchscript.onnx");

const [COUNT, LENGTH, TEST] = [200, 8, 40];
const random = new Random(3, "records");
const rows = Array.from({ length: COUNT + TEST }, (_, r) =>
  Array.from({ length: LENGTH }, (_, i) => (i < 3 + (r % 6) ? 4 + Math.floor(random.uniform(r * LENGTH + i) * 36) : 0)),
);
const int64 = (of: readonly (readonly number[])[]): BigInt64Array => BigInt64Array.from(of.flat(), BigInt);
const save = (name: string, of: readonly (readonly number[])[]): void =>
  writeFileSync(join(folder, name), encodeNpy("<i8", [of.length, LENGTH], int64(of)));
const masked = (of: readonly (readonly number[])[]): number[][] => of.map((r) => r.map((id) => Number(id !== 0)));
const [train, held] = [rows.slice(0, COUNT), rows.slice(COUNT)];
save("ids.npy", train);
save("mask.npy", masked(train));
save("test-ids.npy", held);
save("test-mask.npy", masked(held));

const recipe = {
  name: "embeddings",
  data: {
    source: "npy",
    inputs: { ids: "ids.npy", mask: "mask.npy" },
    test_inputs: { ids: "test-ids.npy", mask: "test-mask.npy" },
    padding_id: 0,
  },
  teacher: { file: fixture, inputs: { input_ids: "ids", attention_mask: "mask" } },
  student: { kind: "text-encoder", vocabulary: 40, dim: 16, depth: 1, heads: 2, padding_id: 0 },
  objective: { alpha: 1, distillation_loss: { kind: "cosine" } },
  training: { epochs: 6, batch: 17, optimizer: { kind: "adamw" }, schedule: { kind: "constant", lr: 0.01 } },
  evaluation: { latency_runs: 2 },
} as const satisfies RecipeInput;

const arrayFor = (input: string): readonly (readonly number[])[] => {
  if (input.includes("mask")) return masked(held);
  return input.includes("type") ? held.map((r) => r.map(() => 0)) : held;
};

/** The mean cosine of two files' answers, straight from ONNX Runtime. */
async function meanCosine(student: string): Promise<number> {
  const answers = async (file: string): Promise<{ data: number[]; width: number }> => {
    const session = await openSession(file, { threads: 1 });
    const feeds = Object.fromEntries(
      session.inputs.map(({ name }) => [name, tensor("int64", arrayFor(name).flat(), [TEST, LENGTH])]),
    );
    const [first] = Object.values(await session.run(feeds));
    await session.dispose();
    return { data: Array.from(first?.data as Float32Array), width: first?.shape[1] ?? 0 };
  };
  const [own, theirs] = [await answers(student), await answers(fixture)];
  const row = (of: typeof own, r: number): number[] => of.data.slice(r * of.width, (r + 1) * of.width);
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);
  return held.reduce((sum, _, r) => {
    const [s, t] = [row(own, r), row(theirs, r)];
    return sum + dot(s, t) / Math.sqrt(dot(s, s) * dot(t, t)) / TEST;
  }, 0);
}

test("without labels, the cosine chooses the weights and is the score that the summary tells", async () => {
  const out = join(folder, "run");
  const { summary, student } = await distill(recipe, { out, folder, threads: 1 });
  const row = summary.models.find((m) => m.role === "student");
  const expected = await meanCosine(student);
  assert.ok(Math.abs((row?.cosine?.mean ?? 9) - expected) < 1e-5, `${row?.cosine?.mean}, ONNX Runtime ${expected}`);
  const cosines = (row?.curves[0]?.points ?? []).map((p) => p.cosine ?? Number.NaN);
  const best = cosines.indexOf(Math.max(...cosines));
  assert.ok(cosines.length > 1);
  const [seed] = row?.seeds ?? [];
  assert.ok(seed?.selection.includes(`validation cosine (${cosines[best]?.toFixed(3)})`), seed?.selection);
  assert.match(summary.comparisons[0]?.sentence ?? "", /mean cosine/);
  assert.doesNotMatch(readFileSync(join(out, "report.html"), "utf8"), /Agreement/);
});

test("another loss is judged by agreement, as before", async () => {
  const objective = { alpha: 1, distillation_loss: { kind: "kd", temperature: 1 } } as const;
  const { summary } = await distill({ ...recipe, objective }, { out: join(folder, "kd"), folder, threads: 1 });
  const row = summary.models.find((m) => m.role === "student");
  assert.equal(row?.cosine, undefined);
  assert.match(row?.seeds[0]?.selection ?? "", /validation agreement/);
});
