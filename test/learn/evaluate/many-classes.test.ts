/** Ten thousand classes: what is kept grows with classes and samples, is right, and says what it leaves out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataSet } from "../../../src/learn/data/types.js";
import { confusedPairs, confusionOf, countClasses, pairsOf } from "../../../src/learn/evaluate/class-counts.js";
import { darkKnowledge } from "../../../src/learn/evaluate/dark-knowledge.js";
import { tailOf } from "../../../src/learn/evaluate/dark-samples.js";
import { listClasses, withAllClasses } from "../../../src/learn/evaluate/listed-classes.js";
import { confusionMatrix, perClass } from "../../../src/learn/evaluate/metrics.js";
import { aggregateScores, Scorer, scoreOutputs, type TestScores } from "../../../src/learn/evaluate/scores.js";
import type { ModelRow, Role, Summary } from "../../../src/learn/evaluate/summary.js";
import { topIndices } from "../../../src/learn/evaluate/top-indices.js";
import { softened } from "../../../src/learn/report/dark.js";
import { renderReport } from "../../../src/learn/report/html.js";
import { SOFTENED_SOURCE } from "../../../src/learn/report/slider.js";
import { formatTable } from "../../../src/learn/report/terminal.js";

const CLASSES = 10_000;
const TEST = 2_000;
const labels = Int32Array.from({ length: TEST }, (_, i) => (i * 37) % 1_600);
const names = Array.from({ length: CLASSES }, (_, c) => `species number ${c}`);

/** Outputs that are right in a share of the samples, and else name one of two neighbours. */
function outputsOf(rightOf: (i: number) => boolean): Float32Array {
  const values = new Float32Array(TEST * CLASSES);
  for (let i = 0; i < TEST; i++) {
    const label = labels[i] as number;
    const answer = rightOf(i) ? label : label < 10 ? 9_999 : (label + 1 + (i % 2)) % CLASSES;
    values[i * CLASSES + answer] = 5;
    values[i * CLASSES + ((answer + 3) % CLASSES)] = 2;
  }
  return values;
}

const scoresOf = (values: Float32Array): TestScores =>
  scoreOutputs({ kind: "logits", values }, labels, null, CLASSES, 5);

function rowOf(role: Role, scored: TestScores): ModelRow {
  return {
    ...{ id: role, role, name: role, architecture: "mlp", parameters: 1, fileBytes: 1, trainedOn: "samples" },
    seeds: [{ seed: 0, ...scored.scores, selection: "last", steps: 1, seconds: 1 }],
    ...aggregateScores([scored], names),
    ...{ latency: null, curves: [], gradientShares: [] },
  };
}

const student = scoresOf(outputsOf((i) => i % 4 !== 0));
const baseline = scoresOf(outputsOf((i) => i % 3 !== 0));
const teacherValues = outputsOf((i) => i % 5 !== 0);

function summaryOf(): Summary {
  const models = [rowOf("teacher", scoresOf(teacherValues)), rowOf("student", student), rowOf("baseline", baseline)];
  return {
    ...{ limbeck: "0", name: "many", command: "test", durationSeconds: 1 },
    environment: { node: "20", "onnxruntime-node": "1", platform: "x", cpu: "x", cores: 1, threads: 1 },
    recipe: { data: { classes: names } },
    data: {
      ...{ name: "many", hash: "0", sampleShape: [1], classes: names },
      counts: { train: 1, validation: 1, test: TEST },
    },
    models,
    comparisons: [
      {
        student: "student",
        teacher: "teacher",
        baseline: "baseline",
        verdict: "helped",
        points: 1,
        low: 0,
        high: 2,
        sentence: "",
      },
    ],
    ...{ darkKnowledge: null, files: { summary: "summary.json" }, notes: [], warnings: [] },
  };
}

test("sparse errors are those of the matrix", () => {
  const few = 30;
  const answers = Int32Array.from({ length: 500 }, (_, i) => (i * i) % few);
  const own = Int32Array.from({ length: 500 }, (_, i) => (i * 7) % few);
  const values = new Float32Array(500 * few);
  for (const [i, c] of answers.entries()) values[i * few + c] = 1;
  const matrix = confusionMatrix(values, own, few);
  const counts = countClasses(own, answers, few);
  assert.deepEqual(confusionOf([counts]), matrix);
  const found = confusedPairs([counts]);
  assert.deepEqual(pairsOf(matrix), found);
  const off = matrix.flatMap((row, r) => row.filter((n, c) => r !== c && n > 0));
  assert.equal(
    found.errors,
    off.reduce((a, n) => a + n, 0),
  );
  assert.equal(found.kinds, off.length);
  assert.equal(found.pairs[0]?.count, Math.max(...off));
  for (const { label, answer, count, of } of found.pairs) {
    assert.equal(matrix[label]?.[answer], count);
    assert.equal(
      of,
      matrix[label]?.reduce((a, n) => a + n, 0),
    );
  }
  // Two seeds add up.
  assert.equal(confusedPairs([counts, counts]).errors, 2 * found.errors);
});

test("scores that come in pieces are those of the whole, to the last bit", () => {
  const [rows, few] = [90, 7];
  const values = Float32Array.from({ length: rows * few }, (_, i) => Math.sin(i * 1.7) * 4);
  const taught = Float32Array.from({ length: rows * few }, (_, i) => Math.cos(i * 0.9) * 3);
  const own = Int32Array.from({ length: rows }, (_, i) => (i * 5) % few);
  const whole = scoreOutputs({ kind: "logits", values }, own, { kind: "logits", values: taught }, few, 3);
  const scorer = new Scorer({ classes: few, labels: own, kind: "logits", teacherKind: "logits", k: 3 });
  for (const [from, to] of [
    [0, 1],
    [1, 40],
    [40, 90],
  ] as const)
    scorer.add(values.subarray(from * few, to * few), taught.subarray(from * few, to * few));
  assert.deepEqual(scorer.finish(), whole);
  assert.deepEqual(
    aggregateScores([whole], [..."abcdefg"]).perClass.map(({ class: _, ...s }) => s),
    perClass(confusionMatrix(values, own, few)),
  );
});

test("ten thousand classes: the summary lists those that matter, the table has every one, and both are small", async () => {
  const full = summaryOf();
  assert.deepEqual(
    full.models.map((m) => m.confusion),
    [[], [], []],
  );
  const { summary, table } = listClasses(full);
  const { listedClasses: listed } = summary;
  assert.ok(listed && table);
  assert.equal(listed.of, CLASSES);
  assert.equal(listed.tested, new Set(labels).size);
  assert.deepEqual(
    summary.models.map((m) => m.perClass.map((c) => c.class)),
    Array(3).fill(listed.indices.map((c) => names[c])),
  );
  // The largest gain and the largest loss, from the counts themselves.
  const recall = (s: TestScores, c: number): number => (s.counts?.hits[c] as number) / (s.counts?.labels[c] as number);
  const tested = [...new Set(labels)];
  const gains = tested.map((c) => recall(student, c) - recall(baseline, c));
  const shown = listed.indices.filter((c) => tested.includes(c));
  const shownGains = shown.map((c) => recall(student, c) - recall(baseline, c));
  for (const pick of [Math.max, Math.min]) assert.equal(pick(...shownGains), pick(...gains));
  assert.equal(Math.min(...shown.map((c) => recall(student, c))), 0);
  const most = student.counts?.labels.reduce((a, n) => Math.max(a, n), 0);
  assert.ok(shown.some((c) => student.counts?.labels[c] === most));
  const [pair] = summary.models[1]?.confused?.pairs ?? [];
  assert.ok(pair && shown.includes(pair.label));
  // Every class is in the table, and back again.
  assert.deepEqual(table.classes, names);
  const own = table.models.find((m) => m.id === "student");
  for (const c of tested) assert.ok(Math.abs((own?.recall[c] as number) - recall(student, c)) < 1e-5);
  const again = withAllClasses(summary, table);
  assert.equal(again.listedClasses, undefined);
  assert.deepEqual(
    again.models[1]?.perClass.map((c) => [c.class, c.support]),
    full.models[1]?.perClass.map((c) => [c.class, c.support]),
  );
  assert.ok(JSON.stringify(summary, null, 2).length < 5e6);
  const html = await renderReport(summary);
  assert.ok(html.length < 3e6, `${html.length}`);
  const left = (CLASSES - listed.indices.length).toLocaleString("en-US");
  assert.ok(html.includes(`${left} of 10,000 classes are left out`));
  assert.ok(html.includes("classes.json"));
  assert.ok(html.includes("... and 9,990 more"), "the recipe's list of classes");
  assert.doesNotMatch(html, /undefined|NaN|\[object/);
  assert.ok(formatTable(summary, { color: false }).length < 10_000);
});

test("a hundred classes are all listed, one more is not", () => {
  const with_ = (n: number): Summary => {
    const full = summaryOf();
    return { ...full, models: full.models.map((m) => ({ ...m, perClass: m.perClass.slice(0, n) })) };
  };
  assert.equal(listClasses(with_(100)).table, null);
  assert.equal(listClasses(with_(100)).summary.models[0]?.perClass.length, 100);
  assert.equal(listClasses(with_(101)).table?.classes.length, 101);
});

test("dark knowledge of many classes: the largest shares of other classes, and samples with a tail", async () => {
  const data: DataSet = {
    ...{ name: "many", size: TEST, sampleShape: [1], samples: new Float32Array(TEST), labels, classes: names },
    hash: "00",
  };
  const rows = (places: Uint32Array): Float32Array => {
    const out = new Float32Array(places.length * CLASSES);
    for (const [k, place] of places.entries())
      out.set(teacherValues.subarray(place * CLASSES, (place + 1) * CLASSES), k * CLASSES);
    return out;
  };
  const found = await darkKnowledge({
    data,
    test: Uint32Array.from(labels, (_, i) => i),
    ...{ labels, classes: CLASSES, teacher: { kind: "logits", rows }, student: rows, temperature: 1 },
  });
  assert.deepEqual(found.matrix, []);
  // By hand: the mean of the softmax over the samples of the class.
  for (const { class: c, other, share } of (found.likeliest ?? []).slice(0, 5)) {
    const own = [...labels.keys()].filter((i) => labels[i] === c);
    const mean = own.reduce((sum, i) => {
      const z = teacherValues.subarray(i * CLASSES, (i + 1) * CLASSES);
      return sum + Math.exp(z[other] as number) / z.reduce((a, v) => a + Math.exp(v), 0) / own.length;
    }, 0);
    assert.ok(Math.abs(share - mean) < 1e-5, `${c} ${other}: ${share}, ${mean}`);
    assert.notEqual(c, other);
  }
  assert.equal(found.samples.length, 12);
  for (const sample of found.samples) {
    assert.ok((sample.classes?.length ?? 99) <= 12);
    const kept = sample.rest?.teacher.reduce((n, [, count]) => n + count, 0) ?? 0;
    assert.equal(kept + (sample.classes?.length ?? 0), CLASSES);
    assert.ok(sample.classes?.includes(names.indexOf(sample.label ?? "")));
  }
  assert.ok(JSON.stringify(found).length < 200_000);
});

test("a tail of ranges softens as the logits do, in the report and in its script", () => {
  const logits = Array.from({ length: CLASSES }, (_, c) => 6 * Math.sin(c * 12.9898) + (c < 10 ? 4 : 0));
  const kept = topIndices(logits, 10);
  assert.deepEqual(
    kept,
    logits
      .map((_, c) => c)
      .sort((a, b) => (logits[b] as number) - (logits[a] as number))
      .slice(0, 10),
  );
  const own = kept.map((c) => logits[c] as number);
  const tail = tailOf(logits.filter((_, c) => !kept.includes(c)));
  const script = new Function(`${SOFTENED_SOURCE}; return softened;`)() as typeof softened;
  for (const t of [1, 4, 20]) {
    const sum = logits.reduce((a, z) => a + Math.exp(z / t), 0);
    const [inReport, inScript] = [softened(own, t, tail), script(own, t, tail)];
    for (const [k, z] of own.entries()) {
      const exact = Math.exp(z / t) / sum;
      assert.ok(Math.abs((inReport[k] as number) - exact) < 0.005 * exact, `T ${t}: ${inReport[k]}, ${exact}`);
      assert.ok(Math.abs((inScript[k] as number) - (inReport[k] as number)) < 1e-12);
    }
  }
});

test("the best few: ties go to the lower index, one is left out on demand, fewer values than asked for", () => {
  assert.deepEqual(topIndices([1, 3, 3, 2], 2), [1, 2]);
  assert.deepEqual(topIndices([1, 3, 3, 2], 3, 1), [2, 3, 0]);
  assert.deepEqual(topIndices([5], 3), [0]);
  assert.deepEqual(topIndices([], 3), []);
});

test("the best of many are the first of all sorted, however many are asked for", () => {
  const values = Float64Array.from({ length: 500 }, (_, i) => Math.round(10 * Math.sin(i)));
  const all = [...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
  for (const k of [1, 7, 32, 33, 499, 600]) assert.deepEqual(topIndices(values, k), all.slice(0, k));
});
