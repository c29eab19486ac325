/** Merged soft targets, held against a minimisation over all logits in PyTorch (test/fixtures/teacher/merge.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { groupTeacher, InputError, partialTeacher, type Teacher } from "../../../src/index.js";
import { combineAnswers } from "../../../src/learn/teacher/group/group.js";
import { checkCover, mergeAnswers, type PartialAnswers } from "../../../src/learn/teacher/group/merge.js";
import { spread } from "../../../src/learn/teacher/partial.js";
import { softmax } from "../../engine/objective/support.js";
import { faultLike } from "../../support/faults.js";

interface Case {
  readonly name: string;
  readonly classes: number;
  readonly sets: number[][];
  readonly weights: number[];
  readonly samples: { readonly logits: number[][]; readonly merged: number[]; readonly value: number }[];
}

const cases = JSON.parse(
  readFileSync(join(process.cwd(), "test", "fixtures", "teacher", "merge.json"), "utf8"),
) as Case[];

/** All samples of a case, each teacher's logits in the columns of its classes; the others hold what must not count. */
function membersOf({ sets, classes, samples }: Case): PartialAnswers[] {
  return sets.map((knows, k) => {
    const values = new Float32Array(samples.length * classes).fill(99);
    samples.forEach(({ logits }, i) => {
      for (const [j, c] of knows.entries()) values[i * classes + c] = logits[k]?.[j] as number;
    });
    return { name: `teacher ${k + 1}`, kind: "logits", values, ...(knows.length < classes ? { knows } : {}) };
  });
}

/** The sum that q shall minimise. */
function objective(q: readonly number[], { sets, weights }: Case, logits: readonly (readonly number[])[]): number {
  return sets.reduce((sum, own, k) => {
    const p = softmax(logits[k] as number[]);
    const mass = own.reduce((a, c) => a + (q[c] as number), 0);
    return (
      sum +
      (weights[k] as number) *
        own.reduce((a, c, j) => a + (p[j] as number) * Math.log(((p[j] as number) * mass) / (q[c] as number)), 0)
    );
  }, 0);
}

for (const c of cases)
  test(`${c.name}: as PyTorch's minimum`, () => {
    const merged = mergeAnswers(membersOf(c), c.weights, c.classes);
    c.samples.forEach((sample, i) => {
      const q = Array.from(merged.subarray(i * c.classes, (i + 1) * c.classes));
      sample.merged.forEach((v, k) => {
        assert.ok(Math.abs((q[k] as number) - v) < 1e-6 + 2e-5 * v, `sample ${i}, class ${k}: ${q[k]}, PyTorch ${v}`);
      });
      assert.ok(Math.abs(objective(q, c, sample.logits) - sample.value) < 1e-6);
    });
  });

test("a generalist and specialists that share no class: the closed form by hand", () => {
  const generalist = [1, 0, -1, 2, 0.5];
  const specialist = [0.3, -2];
  const wide = Float32Array.from([0, 0, 0, 0, 0]);
  wide.set(specialist, 1);
  const members: PartialAnswers[] = [
    { name: "all", kind: "logits", values: Float32Array.from(generalist) },
    { name: "1 and 2", kind: "logits", values: wide, knows: [1, 2] },
  ];
  const q = mergeAnswers(members, [3, 1], 5);
  const [p, s] = [softmax(generalist), softmax(specialist)] as [number[], number[]];
  const mass = (p[1] as number) + (p[2] as number);
  const expected = [1, 2].map((c, j) => (mass * (3 * (p[c] as number) + (s[j] as number))) / (3 * mass + 1));
  for (const [c, v] of [p[0], ...expected, p[3], p[4]].entries())
    assert.ok(Math.abs((q[c] as number) - (v as number)) < 1e-6, `class ${c}`);
});

test("teachers that all know everything: the weighted mean of probabilities", () => {
  const make = (shift: number): PartialAnswers => ({
    name: `${shift}`,
    kind: "logits",
    values: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * 1.7 + shift) * 3),
  });
  const members = [make(0), make(1), make(2)];
  const weights = [0.5, 0.2, 0.3];
  const [q, mean] = [mergeAnswers(members, weights, 4), combineAnswers(members, "mean-probabilities", weights, 4)];
  q.forEach((v, i) => {
    assert.ok(Math.abs(v - (mean[i] as number)) < 1e-6);
  });
});

test("teachers that agree with one distribution give it back, also where they are sure", () => {
  const logits = [4, -9, 0, 2, 15, -3];
  const sets = [
    [0, 1, 2],
    [2, 3],
    [1, 3, 4, 5],
  ];
  const whole = softmax(logits) as number[];
  const members = sets.map((knows, k): PartialAnswers => {
    const values = new Float32Array(6);
    for (const c of knows) values[c] = (logits[c] as number) + 10 * k;
    return { name: `${k}`, kind: "logits", values, knows };
  });
  mergeAnswers(members, [1, 2, 3], 6).forEach((v, c) => {
    assert.ok(Math.abs(Math.log(v) - Math.log(whole[c] as number)) < 1e-4, `class ${c}: ${v}, ${whole[c]}`);
  });
});

test("exact zeros, as of teachers that name one class, still give a distribution", () => {
  const values = [
    [0, 1, 0, 0, 0],
    [0, 0, 0, 1, 0],
  ];
  const knows = [
    [0, 1, 2],
    [2, 3, 4],
  ];
  const members = values.map(
    (v, k): PartialAnswers => ({
      name: `${k}`,
      kind: "probabilities",
      values: Float32Array.from(v),
      knows: knows[k] as number[],
    }),
  );
  const q = mergeAnswers(members, [1, 1], 5);
  assert.ok(Math.abs(q.reduce((a, v) => a + v, 0) - 1) < 1e-6 && q.every((v) => v >= 0 && Number.isFinite(v)));
  // By symmetry 1 and 3 are alike, and nearly all there is.
  assert.ok(Math.abs((q[1] as number) - 0.5) < 1e-3 && Math.abs((q[3] as number) - 0.5) < 1e-3, `${q}`);
});

test("classes that nobody knows or that nobody compares are named", () => {
  const names = ["ant", "bee", "cat", "dog"];
  const members = (...knows: number[][]) => knows.map((k, i) => ({ name: `teacher ${i + 1}`, knows: k }));
  assert.throws(
    () => checkCover(members([0, 1], [1, 2]), 4, names),
    faultLike({ code: "class-unknown", where: "teacher.group", found: ["class dog"] }),
  );
  assert.throws(
    () => checkCover(members([0, 1], [2, 3]), 4, names),
    faultLike({ code: "option-conflict", found: ["ant, bee", "cat, dog"], cure: ["Add a teacher"] }),
  );
  checkCover(members([2, 3], [0, 1], [1, 2]), 4, names);
});

const teacher = (name: string, rows: readonly (readonly number[])[]): Teacher => ({
  ...{ name, hash: name, preprocessing: "", kind: "logits", classes: rows[0]?.length ?? 0, batch: 8 },
  ...{ parameters: 1, bytes: 4, notes: [] },
  answer: async (_, indices) => Float32Array.from([...indices].flatMap((i) => rows[i] as number[])),
  dispose: async () => {},
});

test("groupTeacher merges partial teachers, whose outputs may come in any order", async () => {
  const c = cases[0] as Case;
  const [one, two] = c.sets as [number[], number[]];
  const order = [2, 0, 3, 1];
  const members = [
    partialTeacher(
      teacher(
        "one",
        c.samples.map((s) => s.logits[0] as number[]),
      ),
      one,
      c.classes,
    ),
    partialTeacher(
      teacher(
        "two",
        c.samples.map((s) => order.map((j) => s.logits[1]?.[j] as number)),
      ),
      order.map((j) => two[j] as number),
      c.classes,
    ),
  ];
  assert.deepEqual(members[1]?.knows, two);
  const group = groupTeacher(members, { combine: "merge", weights: c.weights });
  assert.equal(group.kind, "probabilities");
  const indices = Uint32Array.from(c.samples.keys());
  const found = await group.answer({} as Parameters<Teacher["answer"]>[0], indices);
  c.samples.forEach((sample, i) => {
    sample.merged.forEach((v, k) => {
      assert.ok(Math.abs((found[i * c.classes + k] as number) - v) < 1e-5);
    });
  });
  assert.throws(
    () => groupTeacher(members),
    faultLike({ code: "option-conflict", where: "groupTeacher", cure: ["merge"] }),
  );
  assert.throws(() => groupTeacher([members[0], members[0]] as Teacher[], { combine: "merge" }), InputError);
  assert.throws(
    () => partialTeacher(teacher("one", [[1, 2, 3]]), [0, 1], 6),
    faultLike({ code: "array-mismatch", where: "one", found: ["3 outputs", "2 classes"] }),
  );
  assert.throws(
    () => partialTeacher(teacher("one", [[1, 2, 3]]), [0, 1, 1], 6),
    faultLike({ code: "class-unknown", where: "one", found: ["[0,1,1]"] }),
  );
});

test("of a teacher of all classes only those that count are kept, and sum to 1", () => {
  const out = spread(Float32Array.from([1, 2, 3, 4]), { kind: "logits", classes: 4 }, [1, 3], 4);
  const [a, b] = softmax([2, 4]) as [number, number];
  for (const [c, v] of [0, a, 0, b].entries()) assert.ok(Math.abs((out[c] as number) - v) < 1e-7);
});
