/** The lint of the house: it names a planted violation of every rule, and finds none in the sources as they are. */
import { equal, deepEqual, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

interface House {
  problemsOf(
    sources: ReadonlyMap<string, string>,
    held?: { readonly spelling: boolean; readonly kinds: boolean },
  ): string[];
  readSources(): Map<string, string>;
}
interface Functions {
  functionsIn(plain: string): { readonly line: number; readonly lines: number }[];
}
const script = async <T>(name: string): Promise<T> => (await import(pathToFileURL(`scripts/${name}`).href)) as T;
const { problemsOf, readSources } = await script<House>("lint-house.js");
const { functionsIn } = await script<Functions>("lint-functions.js");

const lines = (n: number, text: string): string => `${text}\n`.repeat(n);

/** A file, its text, and what lint must say of it. */
const PLANTED: readonly (readonly [path: string, text: string, says: RegExp])[] = [
  ["attic/attic.ts", "export {};\n", /^src\/attic\/attic\.ts: no room/],
  [
    "engine/graph/up.ts",
    'import { opOf } from "../ops/registry.js";\n',
    /engine\/graph imports upwards from engine\/ops/,
  ],
  [
    "engine/graph/up-type.ts",
    'import type { OpDefinition } from "../ops/definition.js";\n',
    /imports upwards from engine\/ops/,
  ],
  [
    "engine/nn/side.ts",
    'export { updateRules } from "../optim/rules.js";\n',
    /engine\/nn imports sideways from engine\/optim/,
  ],
  [
    "app/sweep/side.ts",
    'const x = await import("../doctor/doctor.js");\n',
    /app\/sweep imports sideways from app\/doctor/,
  ],
  [
    "engine/runtime/files.ts",
    'import { readFileSync } from "node:fs";\n',
    /imports node:fs, but engine\/ runs in a browser/,
  ],
  ["base/process.ts", "export const here = process.cwd;\nexport const a = process.env;\n", /uses a global of Node/],
  ["engine/ops/identifier.ts", "export const classLabels = 1;\n", /:1: says "labels", but this room knows no task/],
  ["engine/nn/string.ts", '\nexport const head = "the classes";\n', /:2: says "classes"/],
  ["engine/random/camel.ts", "export const ofAccuracy = 1;\n", /:1: says "accuracy"/],
  ["run/folder/long-file.ts", lines(401, "// line"), /long-file\.ts: 401 lines; at most 400/],
  [
    "run/folder/long-function.ts",
    `export function long(): void {\n${lines(59, "  // line")}}\n`,
    /:1: a function of 61 lines; at most 60/,
  ],
  ["learn/train/spread.ts", "export const most = (xs: number[]) => Math.max(...xs);\n", /is spread into a call/],
  [
    "learn/train/product.ts",
    "export const size = shape.slice(1).reduce((p, d) => p * d, 1);\n",
    /:1: a product written out; use sizeOf/,
  ],
  [
    "run/measure/spelling.ts",
    "export const a = (r: R) => r.early_stopping;\n",
    /:1: "early_stopping" is the recipe's spelling/,
  ],
  [
    "run/measure/key.ts",
    'export const a = (r: R) => "label_store" in r;\n',
    /:1: "label_store" is the recipe's spelling/,
  ],
  [
    "run/pipeline/loss.ts",
    'export const a = (loss: L) => loss.kind === "simkd";\n',
    /:1: asks loss\.kind for the loss "simkd" by name/,
  ],
  ["run/pipeline/op.ts", 'export const a = (n: N) => n.op !== "Relu";\n', /:1: asks n\.op for the op "Relu" by name/],
  [
    "run/pipeline/model.ts",
    'switch (model.kind) {\n  case "onnx":\n}\n',
    /:2: asks model\.kind for the model "onnx" by name/,
  ],
  [
    "app/commands/source.ts",
    'export const a = ["idx", "images"].includes(source);\n',
    /:1: asks source for the source "images" by name/,
  ],
  ["app/doctor/teacher.ts", 'export const a = "file" in teacher;\n', /:1: asks teacher for the teacher "file" by name/],
  [
    "app/sweep/strategy.ts",
    'export const a = "mutual" === strategy.kind;\n',
    /asks strategy\.kind for the loss or strategy "mutual"/,
  ],
  [
    "web/index.ts",
    'import "../learn/report/reached.js";\n',
    /^src\/learn\/report\/reached\.ts: imports sharp, but the browser reaches it \(web\/index\.ts > /,
  ],
  ["learn/report/reached.ts", 'import "sharp";\n', /^src\/learn\/report\/reached\.ts: imports sharp/],
];

test("lint names the file and the rule of each planted violation", () => {
  const real = readSources();
  const before = new Set(problemsOf(real, { spelling: true, kinds: true }));
  const sources = new Map([...real, ...PLANTED.map(([path, text]) => [path, text] as const)]);
  for (let i = 0; i < 26; i++) sources.set(`cli/crowd/${i}.ts`, "export {};\n");
  const found = problemsOf(sources, { spelling: true, kinds: true }).filter((p) => !before.has(p));
  for (const [path, , says] of PLANTED) {
    const named = found.filter((p) => says.test(p));
    ok(named.length > 0, `${path}: no sentence like ${says} in\n${found.filter((p) => p.includes(path)).join("\n")}`);
    if (path !== "web/index.ts")
      ok(
        named.some((p) => p.startsWith(`src/${path}:`)),
        `${named[0]} does not name ${path}`,
      );
  }
  ok(found.some((p) => /^src\/cli\/crowd: 26 files; at most 25/.test(p)));
  const planted = new Set(PLANTED.map(([path]) => path));
  deepEqual(
    found.filter((p) => !planted.has(p.slice("src/".length, p.indexOf(":"))) && !p.startsWith("src/cli/crowd:")),
    [],
    "only what was planted is reported",
  );
});

test("lint is silent where a word is at home", () => {
  const real = readSources();
  const before = new Set(problemsOf(real, { spelling: true, kinds: true }));
  const fine: [string, string][] = [
    ["engine/nn/comment.ts", "// The classes and labels of a comment.\nexport const outputs = 1; // accuracy\n"],
    ["engine/nn/class.ts", "export class Classic {}\n"],
    ["run/recipe/home.ts", "export const a = (r: R) => r.early_stopping;\n"],
    ["engine/ops/attribute.ts", "export const kernel_shape = 1;\n"],
    ["run/folder/message.ts", 'export const where = "training.early_stopping";\n'],
    ["engine/objective/home.ts", 'export const a = (l: L) => l.kind === "simkd";\n'],
    ["engine/compile/passes/home.ts", 'export const a = (n: N) => n.op === "Conv";\n'],
    ["engine/optim/other.ts", 'export const a = (schedule: S) => schedule.kind === "cosine";\n'],
    ["run/folder/sixty.ts", `export function fits(): void {\n${lines(58, "  // line")}}\n`],
  ];
  deepEqual(
    problemsOf(new Map([...real, ...fine]), { spelling: true, kinds: true }).filter((p) => !before.has(p)),
    [],
  );
});

test("the sources keep every rule", () => {
  deepEqual(problemsOf(readSources()), []);
});

test("functions of every form are measured", () => {
  const measured = (code: string): number[] => functionsIn(code).map((f) => f.lines);
  deepEqual(measured("function f() {\n  a;\n}"), [3]);
  deepEqual(measured("async function f(\n  a: A,\n): Promise<{ b: B }> {\n  a;\n}"), [5]);
  deepEqual(measured("const f = (a: A): B => {\n  a;\n};"), [3]);
  deepEqual(measured("const f = (a: A) =>\n  a +\n  1;\nconst b = 1;"), [3]);
  deepEqual(measured("class A {\n  get b(): (c: C) => D {\n    return e;\n  }\n}"), [3]);
  deepEqual(measured("const o = {\n  m(a: A) {\n    f(() => {\n      a;\n    });\n  },\n};"), [5, 3]);
  deepEqual(measured("function f(): { a: A } | null {\n  if (a) {\n    b;\n  }\n}"), [5]);
  deepEqual(measured("interface A {\n  b: B;\n}\nfor (const a of b) {\n}\nif (a) {\n}"), []);
});

test("Biome refuses import cycles, of types too, and any", () => {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-lint-"));
  try {
    mkdirSync(join(folder, "src"));
    cpSync("biome.json", join(folder, "biome.json"));
    writeFileSync(join(folder, "src/a.ts"), 'import type { B } from "./b.js";\nexport interface A {\n  b: B;\n}\n');
    writeFileSync(join(folder, "src/b.ts"), 'import type { A } from "./a.js";\nexport interface B {\n  a: A;\n}\n');
    writeFileSync(join(folder, "src/c.ts"), "export const c: any = 1;\n");
    const biome = resolve("node_modules/@biomejs/biome/bin/biome");
    const { status, stdout, stderr } = spawnSync(process.execPath, [biome, "lint", "--error-on-warnings", "."], {
      cwd: folder,
      encoding: "utf8",
    });
    equal(status, 1, stderr);
    const said = stdout + stderr;
    ok(/src\/a\.ts.*noImportCycles/.test(said) && /src\/b\.ts.*noImportCycles/.test(said), said);
    ok(/src\/c\.ts.*noExplicitAny/.test(said), said);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
