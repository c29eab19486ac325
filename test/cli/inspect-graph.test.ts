/** `limbeck inspect --graph`: passes by name and in order, and numbers that add up. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { stringify } from "yaml";
import { limbeckMany, type Outcome, temporary } from "./support.js";

const { folder, remove } = temporary();
after(remove);

const model = join(process.cwd(), "test/fixtures/student/torchscript.onnx");
writeFileSync(
  join(folder, "recipe.yaml"),
  stringify({
    name: "step",
    data: { source: "digits" },
    teacher: { model: { kind: "mlp", hidden: [16] }, training: { steps: 5 } },
    student: { kind: "cnn", layers: [{ conv: 4, kernel: 3 }, { activation: "relu" }, { max_pool: 2 }] },
    training: { steps: 5, batch: 32, recompute: true },
  }),
);

interface Stage {
  readonly pass: string;
  readonly nodes: number;
  readonly initializers: number;
  readonly ops: Record<string, number>;
  readonly change: { added: Record<string, number>; removed: Record<string, number>; rewired: number } | null;
  readonly graph?: string[];
}

interface Document {
  readonly target?: string;
  readonly batch?: number;
  readonly graphs: { name: string; stages: Stage[] }[];
  readonly notes: string[];
  readonly files?: string[];
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const isNode = (line: string): boolean => !/^(input|initializer|output) /.test(line);
const parsed = ({ code, stdout, stderr }: Outcome): Document => {
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Document;
};

/** Every stage's nodes are those of the stage before with what the pass added and without what it removed. */
function checkSums({ graphs }: Document): void {
  for (const { name, stages } of graphs)
    for (const [i, { pass, nodes, ops, change, graph }] of stages.entries()) {
      assert.equal(sum(ops), nodes, `${name} ${pass}`);
      if (graph) assert.equal(graph.filter(isNode).length, nodes, `${name} ${pass}`);
      const before = stages[i - 1];
      if (!before || !change) continue;
      assert.equal(nodes, before.nodes + sum(change.added) - sum(change.removed), `${name} ${pass}`);
      for (const op of new Set([...Object.keys(ops), ...Object.keys(before.ops)]))
        assert.equal(
          ops[op] ?? 0,
          (before.ops[op] ?? 0) + (change.added[op] ?? 0) - (change.removed[op] ?? 0),
          `${name} ${pass} ${op}`,
        );
    }
}

test("recipes and models, as text, as JSON and as files; what is wrong is refused", async () => {
  const recipe = ["inspect", "recipe.yaml", "--graph"];
  const lines: Record<string, string[]> = {
    plain: [...recipe, "--target", "plain", "--json"],
    webgpu: [...recipe, "--target", "webgpu", "--json"],
    text: [...recipe, "--target", "plain"],
    written: [...recipe, "--target", "plain", "--json", "--out", "graphs"],
    again: [...recipe, "--target", "plain", "--out", "graphs"],
    full: ["inspect", model, "--graph=full", "--json"],
    first: ["inspect", "--graph", model],
    noFile: ["inspect", "--graph"],
    noForm: ["inspect", model, "--graph=half", "--json"],
    noGraph: ["inspect", "recipe.yaml", "--json"],
    noRecipe: ["inspect", model, "--graph", "--set", "seed=1", "--json"],
    alone: ["inspect", model, "--out", "graphs", "--json"],
  };
  const outcomes = await limbeckMany(Object.values(lines), { cwd: folder });
  const of = (name: string): Outcome => outcomes[Object.keys(lines).indexOf(name)] as Outcome;

  const plain = parsed(of("plain"));
  assert.deepEqual([plain.target, plain.batch], ["plain", 32]);
  assert.deepEqual(
    plain.graphs.map((g) => [g.name, g.stages.map((s) => s.pass)]),
    [
      ["training_step", ["built", "lowering", "common-subexpressions", "dead-nodes", "recompute"]],
      ["gradient_shares", ["built", "lowering", "common-subexpressions", "dead-nodes"]],
    ],
  );
  checkSums(plain);
  const [built, lowered] = plain.graphs[0]?.stages as [Stage, Stage];
  assert.equal(built.ops["limbeck.ConvWeightGradient"], 1, "one convolution has one weight gradient");
  assert.equal(lowered.change?.removed["limbeck.ConvWeightGradient"], 1);
  assert.ok(
    Object.keys(lowered.ops).every((op) => !op.startsWith("limbeck.")),
    "no abstract operator is left",
  );

  const webgpu = parsed(of("webgpu"));
  checkSums(webgpu);
  assert.equal(webgpu.graphs[0]?.stages[4]?.pass, "pad-channels");

  // The text has the same numbers.
  const rows = of("text").stdout.matchAll(
    /^(built|lowering|common-subexpressions|dead-nodes|recompute) +(\d+) +(\d+)/gm,
  );
  assert.deepEqual(
    [...rows].map((m) => m.slice(1)),
    plain.graphs.flatMap((g) => g.stages.map((s) => [s.pass, String(s.nodes), String(s.initializers)])),
  );

  const { files = [] } = parsed(of("written"));
  const stages = plain.graphs.flatMap((g) => g.stages.map((s, i) => ({ file: `${g.name}.${i}-${s.pass}.txt`, ...s })));
  assert.deepEqual(readdirSync(join(folder, "graphs")).sort(), stages.map((s) => s.file).sort());
  assert.equal(files.length, stages.length);
  for (const { file, nodes } of stages) {
    const text = readFileSync(join(folder, "graphs", file), "utf8")
      .trimEnd()
      .split("\n");
    assert.equal(text.filter(isNode).length, nodes, file);
    assert.ok(text.includes("output step/loss []") || file.startsWith("gradient_shares"), file);
  }
  assert.match(of("again").stderr, /training_step\.0-built\.txt: it exists already/);

  const full = parsed(of("full"));
  checkSums(full);
  const [graph] = full.graphs;
  assert.deepEqual(
    graph?.stages.map((s) => s.pass),
    [
      "as read",
      "inference-form",
      "canonical-opset",
      "constants",
      "untied-weights",
      "safe-branches",
      "without-normalisation",
      "static-shapes",
    ],
  );
  // The exporter shares tensors through two Identity nodes; three bounds of Clip are Constant nodes; three ops have axes.
  const [read, , canonical, constants] = graph?.stages as Stage[];
  const fixed = (graph?.stages as Stage[]).at(-1);
  assert.deepEqual(canonical?.change, { added: {}, removed: { Identity: 2 }, rewired: 3 });
  assert.deepEqual(constants?.change?.removed, { Constant: 3 });
  assert.ok(read?.graph?.includes("/Unsqueeze: Unsqueeze(/ReduceMean_output_0; axes=[1]) -> /Unsqueeze_output_0 [?]"));
  assert.ok(
    fixed?.graph?.includes(
      "/Unsqueeze: Unsqueeze(/ReduceMean_output_0, /Unsqueeze/axes) -> /Unsqueeze_output_0 [1, 1, 8]",
    ),
  );
  assert.ok(of("first").stdout.includes("static-shapes"), "the file may follow the flag");

  assert.match(of("noFile").stderr, /no file is given/);
  assert.equal(of("noFile").code, 2);
  for (const [name, where] of Object.entries({
    noForm: "--graph",
    noGraph: "recipe.yaml",
    noRecipe: "--set",
    alone: "--out",
  })) {
    const { error } = JSON.parse(of(name).stdout) as { error: { code: string; where: string } };
    assert.deepEqual([of(name).code, error.code, error.where], [2, "flag-invalid", where], name);
  }
});
