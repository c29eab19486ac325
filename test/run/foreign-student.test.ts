/** Students that PyTorch exported (test/fixtures/student/make.py): trained in place, names kept, frozen weights untouched. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  Distiller,
  distill,
  loadData,
  loadModelFile,
  type Node,
  type RunEvent,
  saveModelFile,
} from "../../src/index.js";
import { openSession } from "../../src/node/session.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
const file = (name: string): string => `test/fixtures/student/${name}.onnx`;
const weights = (path: string) => loadModelFile(path).model.graph.initializers;

for (const name of ["torchscript", "dynamo", "fixed-batch"]) {
  test(`a student from PyTorch's exporter (${name}) learns`, async () => {
    const student = { kind: "onnx" as const, file: file(name), frozen: ["stem.b*", "body.b*"] };
    const distiller = new Distiller({ teacher: "nobody asks it", student, threads: 1 });
    try {
      distiller.compile({ alpha: 0, learningRate: 0.02 });
      await distiller.fit(digits, { epochs: 60 });
      const { accuracy } = await distiller.evaluate(digits);
      assert.ok((accuracy ?? 0) > 0.7, `accuracy ${accuracy}`);
      const out = join(folder, `${name}.onnx`);
      await distiller.student.save(out);

      const [before, now] = [weights(student.file), weights(out)];
      for (const frozen of ["body.bias"]) assert.deepEqual(now.get(frozen), before.get(frozen), frozen);
      for (const trained of ["head.weight", "head.bias"]) {
        assert.deepEqual(now.get(trained)?.shape, before.get(trained)?.shape);
        assert.notDeepEqual(now.get(trained)?.data, before.get(trained)?.data, trained);
      }
      const { graph } = loadModelFile(out).model;
      assert.deepEqual(
        graph.inputs.map((i) => i.name),
        ["image"],
      );
      assert.deepEqual(
        graph.outputs.map((o) => o.name),
        ["scores"],
      );
      assert.equal(typeof graph.inputs[0]?.shape?.[0], "string", "any batch");

      const { data, splits } = digits;
      const session = await openSession(out, { threads: 1 });
      const rows = Array.from(splits.test.subarray(0, 33));
      const samples = Float32Array.from(rows.flatMap((r) => Array.from(data.samples.subarray(r * 64, r * 64 + 64))));
      const { scores } = await session.run({ image: { dtype: "float32", shape: [33, 1, 8, 8], data: samples } });
      await session.dispose();
      assert.deepEqual(scores?.shape, [33, 10]);
      const right = rows.filter((r, i) => {
        const row = Array.from((scores?.data as Float32Array).subarray(i * 10, i * 10 + 10));
        return row.indexOf(Math.max(...row)) === data.labels?.[r];
      });
      assert.ok(right.length > 20, `${right.length} of 33`);
    } finally {
      await distiller.dispose();
    }
  });
}

test("running statistics that the exporter shared with a weight are their own again", async () => {
  const student = { kind: "onnx" as const, file: file("torchscript") };
  const distiller = new Distiller({ teacher: "nobody asks it", student, threads: 1 });
  try {
    distiller.compile({ alpha: 0, learningRate: 0.02 });
    await distiller.fit(digits, { epochs: 2 });
    const out = join(folder, "statistics.onnx");
    await distiller.student.save(out);
    const { graph } = loadModelFile(out).model;
    const norm = graph.nodes.find((n) => n.op === "BatchNormalization");
    const [bias, mean] = [2, 3].map((i) =>
      Array.from(graph.initializers.get(norm?.inputs[i] ?? "")?.data as Float32Array),
    );
    assert.notDeepEqual(mean, bias);
    assert.ok(
      mean?.some((m) => Math.abs(m) > 0.01),
      `the running mean ${mean} never moved`,
    );
  } finally {
    await distiller.dispose();
  }
});

test("a pattern that matches nothing is an error with the names there are", async () => {
  const student = { kind: "onnx" as const, file: file("dynamo"), trainable: ["hed.*"] };
  const distiller = new Distiller({ teacher: "nobody asks it", student });
  distiller.compile({ alpha: 0 });
  await assert.rejects(distiller.fit(digits, { epochs: 1 }), {
    name: "InputError",
    code: "layer-missing",
    where: "student.trainable",
    expected: /head\.weight|stem\.weight/,
  });
  await distiller.dispose();
});

test("limbeck's own export as start: the normalisation stays one, and is not trained", async () => {
  const first = join(folder, "first.onnx");
  const train = async (
    student: ConstructorParameters<typeof Distiller>[0]["student"],
    learningRate: number,
    out: string,
  ): Promise<Float32Array> => {
    const distiller = new Distiller({ teacher: "nobody asks it", student, threads: 1 });
    try {
      distiller.compile({ alpha: 0, learningRate, optimizer: { kind: "sgd", weight_decay: 0 } });
      await distiller.fit(digits, { steps: 20 });
      await distiller.student.save(out);
      return await distiller.student.predict(digits.data, digits.splits.test);
    } finally {
      await distiller.dispose();
    }
  };
  const before = await train({ kind: "mlp", hidden: [8] }, 0.05, first);
  const fronts = (path: string): string[] =>
    loadModelFile(path).model.graph.nodes.flatMap((n) => (n.name.startsWith("normalise/") ? [n.op] : []));
  assert.ok(fronts(first).length > 0, "the data is normalised");
  const again = join(folder, "again.onnx");
  const same = await train({ kind: "onnx", file: first, trainable: ["*"], frozen: [] }, 1e-30, again);
  assert.deepEqual(same, before, "a step too small to change anything");
  assert.deepEqual(fronts(again), fronts(first));
  await train({ kind: "onnx", file: first, trainable: ["*"], frozen: [] }, 0.05, again);
  for (const [name, { data }] of weights(first))
    if (name.startsWith("normalise/")) assert.deepEqual(weights(again).get(name)?.data, data, name);
    else assert.notDeepEqual(weights(again).get(name)?.data, data, name);
});

test("a student file that cannot be trained is refused by its name, before its teacher is trained", async () => {
  const { model } = loadModelFile(file("fixed-batch"));
  const last = model.graph.nodes.at(-1) as Node;
  const changed = async (name: string, nodes: readonly Node[]): Promise<string> => {
    const path = join(folder, `${name}.onnx`);
    await saveModelFile({ ...model, graph: { ...model.graph, nodes } }, path);
    return path;
  };
  const output = last.outputs[0] as string;
  const behind: Node = { name: "odd", op: "Hardmax", domain: "", inputs: ["z"], outputs: [output], attributes: {} };
  const strange = await changed("strange", [...model.graph.nodes.slice(0, -1), { ...last, outputs: ["z"] }, behind]);
  const lost = await changed("lost", model.graph.nodes.slice(1));
  const cases = [
    [strange, "model-unsupported", /node "odd".*Hardmax/],
    [lost, "model-invalid", new RegExp(`reads "${model.graph.nodes[0]?.outputs[0]}"`)],
  ] as const;
  for (const [where, code, found] of cases) {
    const trained: string[] = [];
    const recipe = {
      name: "unfit",
      data: { source: "digits" },
      teacher: { model: { kind: "mlp", hidden: [8] }, training: { steps: 5 } },
      student: { kind: "onnx", file: where },
      training: { steps: 5 },
    } as const;
    const onEvent = (event: RunEvent): void => {
      if (event.kind === "training") trained.push(event.progress.name);
    };
    const run = distill(recipe, { out: join(folder, "unfit"), threads: 1, onEvent });
    await assert.rejects(run, { name: "InputError", code, where, found, cure: /./ });
    assert.deepEqual(trained, []);
    assert.ok(!existsSync(join(folder, "unfit")));
  }
});
