/** The step that `limbeck inspect --graph` compiles is the one that the run compiles. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { stepStages } from "../../src/app/commands/graph-stages.js";
import { distill, type RecipeInput, trainModel } from "../../src/index.js";
import { listTrainings } from "../../src/run/folder/trainings.js";
import { planOf } from "../../src/run/recipe/load.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-inspected-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const mlp = (width: number) => ({ kind: "mlp", hidden: [width] }) as const;
const trained = { model: mlp(24), training: { steps: 10 } } as const;
const plain = {
  name: "inspected",
  data: { source: "digits" },
  teacher: trained,
  student: { kind: "cnn", layers: [{ conv: 6, kernel: 3 }, { activation: "relu" }, { max_pool: 2 }, { dense: 12 }] },
  training: { steps: 4, batch: 32 },
  baseline: false,
  evaluation: { latency_runs: 2 },
} satisfies RecipeInput;

/** Nodes after each stage, as the run's own compiler says them under LIMBECK_DEBUG: [graph, pass, nodes] in order. */
async function compiledBy(run: () => Promise<unknown>): Promise<string[][]> {
  const [error, lines] = [console.error, [] as string[]];
  console.error = (line: string) => void lines.push(line);
  process.env.LIMBECK_DEBUG = "compile,train";
  try {
    await run();
  } finally {
    console.error = error;
    delete process.env.LIMBECK_DEBUG;
  }
  const compiled: string[][] = [];
  let current = new Map<string, string[]>();
  for (const line of lines) {
    const [, graph = "", pass = "", from = "", to = ""] =
      /^limbeck:compile \S+ s {2}(\w+): ([\w-]+) in .* nodes: (\d+) -> (\d+)/.exec(line) ?? [];
    if (graph) current.set(graph, [...(current.get(graph) ?? [`built ${from}`]), `${pass} ${to}`]);
    // What was compiled before a training begins is its step.
    if (/^limbeck:train \S+ s {2}(student|\d students), seed 0: begins/.test(line))
      compiled.push([...current].flatMap(([name, stages]) => stages.map((stage) => `${name} ${stage}`)));
    if (/ begins /.test(line)) current = new Map();
  }
  return compiled;
}

/** The same of what inspect compiles. */
async function inspectedOf(recipe: RecipeInput): Promise<string[]> {
  const { graphs } = await stepStages(planOf(recipe), { folder, threads: 1 });
  return graphs.flatMap((g) => g.stages.map((s) => `${g.name} ${s.pass} ${s.graph.nodes.length}`));
}

const recipes: Readonly<Record<string, RecipeInput>> = {
  "soft targets": plain,
  "recompute and a loss between layers": {
    ...plain,
    training: { ...plain.training, recompute: true },
    objective: {
      terms: [{ kind: "fitnet", weight: 0.1, layers: [{ student: "dense1/gemm", teacher: "hidden1/relu" }] }],
    },
  },
  "blended samples": {
    ...plain,
    training: { ...plain.training, augment: { mixup: { alpha: 0.4 } } },
    transfer: { views: { answers: "clean" } },
  },
  "a group whose losses are averaged": { ...plain, teacher: { group: [trained, trained], combine: "mean-losses" } },
  "students that learn together": { ...plain, strategy: { kind: "mutual" } },
};

for (const [what, recipe] of Object.entries(recipes))
  test(`${what}: the same passes with the same numbers of nodes`, async () => {
    const out = join(folder, what.replaceAll(" ", "-"));
    const [run] = await compiledBy(() => distill(recipe, { out, folder, threads: 1 }));
    assert.ok(run && run.length >= 4, "the run has compiled something");
    assert.deepEqual(await inspectedOf(recipe), run);
  });

test("teacher-free: the step of a student that is trained on labels alone", async () => {
  const [run] = await compiledBy(() => trainModel(plain, { out: join(folder, "alone"), folder, threads: 1 }));
  const inspected = await inspectedOf({ ...plain, strategy: { kind: "teacher-free", distilled: false } });
  assert.deepEqual(inspected, run);
  assert.notDeepEqual(inspected, await inspectedOf(plain));
});

test("a teacher that is trained, a file, a label store or behind an address: the same step", async () => {
  const stages = async (teacher: RecipeInput["teacher"]): Promise<unknown> => {
    const { graphs } = await stepStages(planOf({ ...plain, teacher }), { folder, threads: 1 });
    return graphs.map((g) => [g.name, g.stages.map((s) => [s.pass, s.graph])]);
  };
  const { directory } = await distill(plain, { out: join(folder, "first"), threads: 1 });
  const file = listTrainings(directory).find((t) => t.role === "teacher")?.file as string;
  const expected = await stages(trained);
  assert.deepEqual(await stages({ file }), expected);
  const [store = ""] = readdirSync(join(directory, "label-stores"));
  assert.deepEqual(await stages({ label_store: join(directory, "label-stores", store) }), expected);
  // An endpoint is not asked: nobody listens there.
  const url = "http://127.0.0.1:1/";
  assert.deepEqual(await stages({ url, answers: "logits" }), expected);
  assert.notDeepEqual(await stages({ url, answers: "probabilities" }), expected);
});
