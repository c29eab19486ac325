/** Values and gradients of the feature losses against PyTorch in float64 (test/fixtures/objective/features.py), and their algebra. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { sizeOf } from "../../../src/engine/graph/tensor.js";
import { matchFeatures, pairFeatures, perSample } from "../../../src/engine/objective/features.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { lossSettingsOf } from "../../../src/engine/objective/settings.js";
import { assertInferredShapes, runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { evaluateReference } from "../ops/support/reference.js";
import {
  type Config,
  changed,
  definitionOf,
  featureGraph,
  feedsOf,
  type Given,
  lossOf,
  memoryFeeds,
  numbers,
  type Pair,
  type Remembered,
} from "./feature-support.js";

interface Case {
  readonly name: string;
  readonly config: Config;
  readonly pairs: readonly (Pair & { readonly gradient: readonly number[] })[];
  readonly parameters: Readonly<Record<string, Given & { readonly gradient: readonly number[] }>>;
  readonly memory?: Remembered;
  readonly loss: number;
}

const { cases } = JSON.parse(readFileSync("test/fixtures/objective/features.json", "utf8")) as { cases: Case[] };

for (const dtype of ["float64", "float32"] as const) {
  test(`every case has PyTorch's loss and gradients, in ${dtype}`, async () => {
    for (const c of cases) {
      const shapes = c.pairs.map((p) => ({ student: p.student.shape, teacher: p.teacher.shape }));
      const { graph: built, parameters } = featureGraph(c.config, shapes, dtype, c.memory?.count);
      const graph = lowerGraph(built);
      // ONNX Runtime has no convolution in float64.
      if (dtype === "float32") await assertInferredShapes(graph);
      assert.deepEqual([...parameters.keys()].sort(), Object.keys(c.parameters).sort(), `${c.name}: parameters`);
      const feeds = new Map([
        ...feedsOf(graph, c.pairs, c.parameters, dtype),
        ...(c.memory ? memoryFeeds(c.memory, dtype) : []),
      ]);
      const found = dtype === "float64" ? evaluateReference(graph, feeds) : await runInOnnxRuntime(graph, feeds);
      const tolerance = dtype === "float64" ? 1e-10 : 2e-5;
      const check = (output: string, expected: readonly number[]): void => {
        const data = found.get(output)?.data;
        assert.equal(data?.length, expected.length, `${c.name}: ${output}`);
        const size = expected.reduce((m, v) => Math.max(m, Math.abs(v)), dtype === "float64" ? 1e-3 : 1e-2);
        expected.forEach((v, i) => {
          const error = Math.abs(Number(data?.[i]) - v) / size;
          assert.ok(error <= tolerance, `${c.name}: ${output}[${i}] is ${data?.[i]}, PyTorch gives ${v}`);
        });
      };
      check("loss", [c.loss]);
      c.pairs.forEach((p, i) => {
        check(`gradient/s${i}`, p.gradient);
      });
      for (const [name, p] of Object.entries(c.parameters)) check(`gradient/p/${name}`, p.gradient);
      for (const [name, s] of Object.entries(c.memory?.states ?? {})) check(`next/${name}`, s.next);
    }
  });
}

test("every registered feature loss has a case", () => {
  const seen = new Set(cases.map((c) => c.config.kind));
  for (const { kind } of lossesAgainst("layers")) assert.ok(seen.has(kind), kind);
});

const image = (channels: number, seed: number): Given => numbers([3, channels, 4, 4], seed);
const near = (a: number, b: number, what: string): void =>
  assert.ok(Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b)), `${what}: ${a}, expected ${b}`);

test("attention and similarity do not see the scale of either side", () => {
  const pair = { student: image(2, 1), teacher: image(3, 5) };
  const times = (f: number) => (v: number) => f * v;
  for (const kind of ["attention", "similarity"]) {
    const plain = lossOf({ kind }, [pair]);
    assert.ok(plain > 1e-4, `${kind}: ${plain}`);
    const scaled = { student: changed(pair.student, times(-7)), teacher: changed(pair.teacher, times(0.3)) };
    near(lossOf({ kind }, [scaled]), plain, kind);
  }
});

test("attention does not see the scale of one sample; similarity does, through the others' rows", () => {
  const pair = { student: image(2, 1), teacher: image(3, 5) };
  const second = (v: number, i: number): number => (i >= 32 && i < 64 ? 5 * v : v);
  const other = { ...pair, student: changed(pair.student, second) };
  near(lossOf({ kind: "attention" }, [other]), lossOf({ kind: "attention" }, [pair]), "attention");
  // A row of G is divided by its length, but its columns are not: the others' similarity to the sample changes.
  const change = lossOf({ kind: "similarity" }, [other]) - lossOf({ kind: "similarity" }, [pair]);
  assert.ok(Math.abs(change) > 1e-4);
});

test("0 where student and teacher are equal; more where they are not", () => {
  const f = image(3, 2);
  for (const kind of ["fitnet", "attention", "similarity", "rkd", "pkt", "attention-map"]) {
    near(lossOf({ kind }, [{ student: f, teacher: f }]), 0, kind);
    assert.ok(lossOf({ kind }, [{ student: image(3, 9), teacher: f }]) > 1e-4, kind);
  }
});

test("rkd does not see rotation, scale and place of either side", () => {
  const pair = { student: numbers([5, 2], 3), teacher: numbers([5, 4], 8) };
  const plain = lossOf({ kind: "rkd" }, [pair]);
  assert.ok(plain > 0.1);
  const [cos, sin] = [Math.cos(0.7), Math.sin(0.7)];
  const turned = changed(pair.student, (_, i) => {
    const [x, y] = [i - (i % 2), i - (i % 2) + 1].map((k) => pair.student.values[k] as number) as [number, number];
    return 3 * (i % 2 === 0 ? cos * x - sin * y : sin * x + cos * y) + 4;
  });
  near(lossOf({ kind: "rkd" }, [{ ...pair, student: turned }]), plain, "turned, three times as large, elsewhere");
  const larger = changed(pair.teacher, (v) => -0.2 * v - 1);
  near(lossOf({ kind: "rkd" }, [{ ...pair, teacher: larger }]), plain, "teacher");
});

test("rkd of samples that coincide is finite, with finite gradients", () => {
  const { shape, values } = numbers([4, 3], 3);
  const twins = { shape, values: [...values.slice(0, 3), ...values.slice(0, 3), ...values.slice(6)] };
  const { graph } = featureGraph({ kind: "rkd" }, [{ student: [4, 3], teacher: [4, 3] }]);
  const found = evaluateReference(graph, feedsOf(graph, [{ student: twins, teacher: numbers([4, 3], 9) }]));
  for (const name of ["loss", "gradient/s0"])
    for (const v of found.get(name)?.data ?? [Number.NaN]) assert.ok(Math.abs(Number(v)) < 1e3, `${name}: ${v}`);
});

test("pkt is a divergence: never below 0, and it does not see the scale of a sample", () => {
  for (let seed = 0; seed < 10; seed++) {
    const pair = { student: numbers([4, 3], seed), teacher: numbers([4, 5], 20 + seed) };
    const plain = lossOf({ kind: "pkt" }, [pair]);
    assert.ok(plain > 0);
    const scaled = changed(pair.student, (v, i) => v * (1 + Math.floor(i / 3)));
    near(lossOf({ kind: "pkt" }, [{ ...pair, student: scaled }]), plain, "scaled");
  }
});

test("vid at its best variance: 1/2 (1 + log v) where v is the mean squared error", () => {
  const zeros = (shape: number[]): Given => ({
    shape,
    values: Array<number>(sizeOf(shape)).fill(0),
  });
  const teacher = numbers([6, 1], 4);
  const v = teacher.values.reduce((a, t) => a + t * t, 0) / 6;
  const parameters = Object.fromEntries(
    [1, 2, 3].flatMap((k) => [
      [`0/${k}/weight`, zeros([1, 1])],
      [`0/${k}/bias`, zeros([1])],
    ]),
  );
  const at = (variance: number): number =>
    lossOf({ kind: "vid" }, [{ student: numbers([6, 1], 1), teacher }], {
      ...parameters,
      "0/variance": { shape: [1], values: [Math.log(Math.expm1(variance - 1e-5))] },
    });
  near(at(v), 0.5 * (1 + Math.log(v)), "best");
  assert.ok(at(1.5 * v) > at(v) && at(0.7 * v) > at(v));
});

test("shapes that no connector bridges are refused, with both", () => {
  const refused = (kind: string, student: number[], teacher: number[], found: RegExp, expected = /./): void => {
    assert.throws(() => featureGraph({ kind }, [{ student, teacher }]), {
      name: "InputError",
      code: "array-mismatch",
      where: 'layers "student layer 0" and "teacher layer 0"',
      found,
      expected,
    });
  };
  refused("fitnet", [2, 5], [2, 3, 4, 4], /\[2,5\].*\[2,3,4,4\]/);
  refused("fitnet", [2, 5, 3], [2, 4, 3], /\[2,5,3\].*\[2,4,3\]/);
  refused("attention", [2, 5], [2, 5], /\[2,5\]/, /images.*attention/);
});

test("review: two layers at least, images or vectors, and more than one value a channel", () => {
  const refused = (shapes: { student: number[]; teacher: number[] }[], fault: object): void => {
    assert.throws(() => featureGraph({ kind: "review" }, shapes), { name: "InputError", ...fault });
  };
  const map = { student: [2, 3, 4, 4], teacher: [2, 5, 4, 4] };
  refused([map], { code: "layer-missing", where: "objective.terms", found: /1 pair/, expected: /two pairs/ });
  refused([map, { student: [2, 4, 3], teacher: [2, 4, 3] }], {
    code: "array-mismatch",
    where: /"student layer 1"/,
    expected: /images.*review/,
  });
  refused([map, { student: [1, 3], teacher: [1, 5] }], {
    code: "array-mismatch",
    expected: /more than one value/,
    cure: /batch/,
  });
  const check = (config: object): void =>
    void lossSettingsOf(definitionOf("review"), { kind: "review", ...config }, "objective.terms.2");
  const named = { student: "conv1/relu", teacher: "conv2/relu" };
  assert.throws(() => check({ layers: [named] }), {
    code: "option-invalid",
    where: "objective.terms.2.layers",
    expected: /two pairs/,
  });
  check({ layers: [{ student: "conv*/relu", teacher: "conv*/relu" }] });
  assert.throws(() => check({ layers: [named, named], midChannels: 0 }), {
    code: "option-invalid",
    where: "objective.terms.2.mid_channels",
    found: /0/,
  });
});

test("review: the context loss of constant maps that are 1 apart is 1 at every size", () => {
  // With the last convolution at 0 the student's map is its norm's bias, whatever the student says.
  const fill = (shape: readonly number[], value: number): Given => ({
    shape,
    values: Array<number>(sizeOf(shape)).fill(value),
  });
  for (const side of [1, 2, 3, 8]) {
    const pair = (seed: number): Pair => ({
      student: numbers([2, 3, 4, 4], seed),
      teacher: fill([2, 2, side, side], 0.25),
    });
    const pairs = [pair(1), pair(5)];
    const shapes = pairs.map((p) => ({ student: p.student.shape, teacher: p.teacher.shape }));
    const { parameters } = featureGraph({ kind: "review" }, shapes);
    const values = [...parameters].map(([name, shape]): [string, Given] => [
      name,
      name.endsWith("out/weight") ? fill(shape, 0) : name.endsWith("out/bias") ? fill(shape, 1.25) : numbers(shape, 2),
    ]);
    near(lossOf({ kind: "review" }, pairs, Object.fromEntries(values)), 2, `two maps of ${side}x${side}`);
  }
});

test("names: the tensor's, else the node's, else a pattern; what is missing is told with what is near", () => {
  const features = [
    { name: "a/relu", node: "node_1" },
    { name: "b/relu", node: "node_2" },
    { name: "node_1", node: "x" },
  ];
  const names = (pattern: string): string[] => matchFeatures(pattern, features, "student").map((f) => f.name);
  assert.deepEqual(names("node_1"), ["node_1"]);
  assert.deepEqual(names("node_2"), ["b/relu"]);
  assert.deepEqual(names("*/relu"), ["a/relu", "b/relu"]);
  assert.throws(() => names("b/rleu"), {
    code: "layer-missing",
    where: "student",
    found: /"b\/rleu"/,
    expected: "one of a/relu, b/relu, node_1",
    cure: /"b\/relu"/,
  });
  assert.throws(() => pairFeatures({ student: "*/relu", teacher: "b/relu" }, features, features), {
    code: "array-mismatch",
    where: "objective.terms",
    found: /"\*\/relu" matches 2 .*"b\/relu" 1 /,
  });
  assert.deepEqual(perSample([12, 5], 4, "f"), [4, 3, 5]);
  assert.throws(() => perSample([9, 5], 4, "f"), {
    code: "model-unsupported",
    where: 'feature "f"',
    found: /\[9,5\] for 4 samples/,
  });
});
