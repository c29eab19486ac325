/** A recipe's fields in snake_case and a plan's in camelCase: there and back, and which of them name files. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { InputError } from "../../../src/index.js";
import { loadRecipe, planOf, recipeOf, withOverrides } from "../../../src/run/recipe/load.js";
import { withAbsoluteFiles } from "../../../src/run/recipe/paths.js";
import { recipeSchema } from "../../../src/run/recipe/schema/schema.js";
import { spell, spelled } from "../../../src/run/recipe/spelling.js";

const student = { kind: "mlp", hidden: [8] };
const base = { data: { source: "digits" }, student, training: { steps: 1 } };

const keysOf = (value: unknown): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysOf(inner)])
    : [];

const shipped = readdirSync("recipes", { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".yaml"));

for (const name of shipped)
  test(`${name}: there and back is the same plan, and each is spelt one way`, () => {
    const { plan, recipe } = loadRecipe(join("recipes", name));
    assert.deepEqual(planOf(recipe), plan);
    assert.deepEqual(recipeOf(planOf(recipe)), recipe);
    const own = (value: object): string[] => keysOf({ ...value, variants: [], sweep: undefined });
    assert.deepEqual(
      own(recipe).filter((key) => /[A-Z]/.test(key)),
      [],
    );
    assert.deepEqual(
      own(plan).filter((key) => key.includes("_")),
      [],
    );
  });

test("objects in lists, unions and defaults are renamed; keys of the user's own stay", () => {
  const schema = z.strictObject({
    firstList: z.array(z.strictObject({ innerField: z.number().default(3) })),
    eitherWay: z.union([z.literal("no"), z.strictObject({ longName: z.string() })]),
    byName: z.record(z.string(), z.strictObject({ someValue: z.number() })),
    leftOut: z.strictObject({ withDefault: z.number() }).prefault({ withDefault: 5 }),
    kindOf: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("a"), sizeOfA: z.number() }),
      z.strictObject({ kind: z.literal("b"), sizeOfB: z.number().optional() }),
    ]),
  });
  const written = {
    first_list: [{}, { inner_field: 4 }],
    either_way: { long_name: "x" },
    by_name: { "Content_Type-x": { some_value: 1 } },
    kind_of: { kind: "a", size_of_a: 2 },
  };
  const plan = spelled(schema).parse(written);
  assert.deepEqual(plan, {
    firstList: [{ innerField: 3 }, { innerField: 4 }],
    eitherWay: { longName: "x" },
    byName: { "Content_Type-x": { someValue: 1 } },
    leftOut: { withDefault: 5 },
    kindOf: { kind: "a", sizeOfA: 2 },
  });
  assert.deepEqual(spell(schema, plan), {
    ...written,
    first_list: [{ inner_field: 3 }, { inner_field: 4 }],
    left_out: { with_default: 5 },
  });
  assert.throws(
    () => spelled(schema).parse({ ...written, firstList: [] }),
    /firstList/,
    "the code's name is unknown there",
  );
});

test("the code's name in a recipe is an unknown key that leads to the right one", () => {
  assert.throws(
    () => planOf({ ...base, training: { steps: 1, clipNorm: 1 } }),
    (error: unknown) =>
      error instanceof InputError &&
      error.details?.some((d) => d.where === "training.clipNorm" && d.cure?.includes("clip_norm")) === true,
  );
});

test("checks of several fields, descriptions and defaults are those of the plan's schema", () => {
  const json = JSON.stringify(z.toJSONSchema(recipeSchema(), { io: "input", reused: "inline" }));
  assert.match(json, /"clip_norm":\{[^}]*"description":"Limit on the gradient's global norm/);
  assert.ok(!/"clipNorm"/.test(json));
  assert.throws(() => planOf({ ...base, objective: { alpha: 1, weights: { student: 1, distillation: 1 } } }), {
    code: "recipe-invalid",
  });
});

const npz = { source: "npz", path: "all.npz", samples: "x_train", test_samples: "x_test" };

test("absolute files: every path of a plan, also in variants and sweeps; an archive's keys are no paths", () => {
  const plan = planOf({
    ...base,
    data: npz,
    teacher: { group: [{ file: "t.onnx" }, { label_store: "labels" }] },
    variants: [
      { name: "v", set: { student: { kind: "onnx", file: "s.onnx" }, "training.batch": 8 } },
      { name: "w", set: { "student.file": "s.onnx", "student.kind": "onnx" } },
    ],
    sweep: { grid: { "teacher.group.0.file": ["a.onnx", "/abs/b.onnx"], "data.samples": ["x_train", "x_other"] } },
  });
  const { data, teacher, variants, sweep } = withAbsoluteFiles(plan, "/r");
  assert.deepEqual(data, { ...plan.data, path: resolve("/r/all.npz") });
  assert.deepEqual(
    "group" in teacher && teacher.group.map((t) => ("file" in t ? t.file : "labelStore" in t && t.labelStore)),
    [resolve("/r/t.onnx"), resolve("/r/labels")],
  );
  assert.deepEqual(variants[0]?.set, { student: { kind: "onnx", file: resolve("/r/s.onnx") }, "training.batch": 8 });
  assert.deepEqual(sweep?.grid, {
    "teacher.group.0.file": [resolve("/r/a.onnx"), resolve("/abs/b.onnx")],
    "data.samples": ["x_train", "x_other"],
  });
});

test("arrays of a folder are paths where an archive has keys", () => {
  const npy = { source: "npy", samples: "x.npy", test_samples: "/t/x.npy", label_file: "y.npy" };
  const { data } = withAbsoluteFiles(planOf({ ...base, data: npy }), "/r");
  assert.deepEqual(recipeOf({ ...planOf(base), data }).data, {
    ...recipeOf(planOf({ ...base, data: npy })).data,
    samples: resolve("/r/x.npy"),
    test_samples: resolve("/t/x.npy"),
    label_file: resolve("/r/y.npy"),
  });
});

test("--set: a typed file is the working folder's, a key of an archive stays a key", () => {
  const set = (data: object, pair: string): unknown =>
    (withOverrides({ ...base, data }, [pair], "/elsewhere").data as Record<string, unknown>).samples;
  assert.equal(set(npz, "data.samples=x_train"), "x_train");
  assert.equal(set({ source: "npy" }, "data.samples=x.npy"), resolve("x.npy"));
  const all = withOverrides(base, ["teacher={ file: t.onnx, outputs: logits }"], "/elsewhere");
  assert.deepEqual(all.teacher, { file: resolve("t.onnx"), outputs: "logits" });
  assert.deepEqual(parse(JSON.stringify(all.student)), student, "the rest is not touched");
});
