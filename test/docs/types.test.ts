/** The library's types, as a program for Node sees them that checks declarations and knows no browser. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

function compile(args: readonly string[]): void {
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
}

/** What the package ships beside its code, compiled once for both tests. */
const declarations = mkdtempSync(join(tmpdir(), "limbeck-declarations-"));
after(() => rmSync(declarations, { recursive: true, force: true }));
compile(["-p", "tsconfig.build.json", "--declaration", "--emitDeclarationOnly", "--outDir", declarations]);

test("the declarations need neither skipLibCheck nor the types of a browser", () => {
  mkdirSync("build", { recursive: true });
  const folder = mkdtempSync(join("build", "types-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(declarations, join(folder, "node_modules", "limbeck"), { recursive: true });
  // Its own package, or "limbeck" would be this one's dist/.
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true }));
  const manifest = { name: "limbeck", type: "module", exports: { ".": { types: "./index.d.ts" } } };
  writeFileSync(join(folder, "node_modules", "limbeck", "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(folder, "user.mts"),
    `import { distill, Distiller, type RecipeInput, type Summary } from "limbeck";
const recipe: RecipeInput = {
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [8] }, training: { epochs: 1 } },
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 10 },
};
export const run = async (): Promise<Summary> => (await distill(recipe)).summary;
export const distiller = new Distiller({ teacher: "teacher.onnx", student: { kind: "mlp", hidden: [8] } });
// @ts-expect-error: an mlp has hidden layers; were the types missing, nothing would be wrong here.
export const wrong: RecipeInput["student"] = { kind: "mlp" };
// @ts-expect-error: no teacher has such a field.
export const wrongTeacher: RecipeInput["teacher"] = { wisdom: 1 };
// @ts-expect-error: a strategy has a kind that is known.
export const wrongStrategy: RecipeInput["strategy"] = { kind: "luck" };
export const strategy: RecipeInput["strategy"] = { kind: "born-again", generations: 2 };
`,
  );
  const examples = [...readFileSync("README.md", "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    (m) => m[1] as string,
  );
  assert.ok(examples.length > 0, "README.md has an example in TypeScript");
  const files = examples.map((code, i) => {
    const file = join(folder, `readme-${i}.mts`);
    writeFileSync(file, code);
    return file;
  });
  compile([
    ...[
      "--noEmit",
      "--strict",
      "--noUncheckedIndexedAccess",
      "--skipLibCheck",
      "false",
      "--lib",
      "ES2022",
      "--types",
      "node",
    ],
    ...["--module", "NodeNext", "--target", "ES2022", "--ignoreConfig", join(folder, "user.mts"), ...files],
  ]);
});

test("the declarations of limbeck and limbeck/web need no optional package", () => {
  // Outside of this folder, whose node_modules would be found from inside it.
  const folder = mkdtempSync(join(tmpdir(), "limbeck-types-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const modules = join(folder, "node_modules");
  const own = join(modules, "limbeck");
  cpSync(declarations, own, { recursive: true });
  const manifest = { name: "limbeck", type: "module", exports: {} };
  const types = { ".": { types: "./index.d.ts" }, "./web": { types: "./web/index.d.ts" } };
  writeFileSync(join(own, "package.json"), JSON.stringify({ ...manifest, exports: types }));
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
  for (const name of [...Object.keys(dependencies), "@types/node"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(process.cwd(), "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true }));
  writeFileSync(
    join(folder, "page.mts"),
    `import { Distiller, fromArrays, type WebModule } from "limbeck/web";
const data = fromArrays({ samples: new Float32Array(8), sampleShape: [2], classes: ["a", "b"] });
const student = { kind: "mlp", hidden: [4] } as const;
export const taught = new Distiller({ teacher: new Uint8Array(1), student });
export const alone = new Distiller({ student });
export const given = (ort: WebModule) => new Distiller({ student, ort });
export const fit = () => alone.compile({ alpha: 0 }).fit(data, { steps: 1 });
// @ts-expect-error: what it is given is not ONNX Runtime; were the types missing, nothing would be wrong here.
export const wrong = new Distiller({ student, ort: { env: {} } });
`,
  );
  writeFileSync(
    join(folder, "node.mts"),
    `import { Distiller } from "limbeck";
export const alone = new Distiller({ student: { kind: "mlp", hidden: [4] } });
// @ts-expect-error: a student is needed.
export const wrong = new Distiller({ teacher: "teacher.onnx" });
`,
  );
  for (const [file, lib] of [
    ["page.mts", "ES2022,DOM"],
    ["node.mts", "ES2022"],
  ] as const)
    compile([
      ...["--noEmit", "--strict", "--skipLibCheck", "false", "--lib", lib, "--typeRoots", join(modules, "@types")],
      ...["--types", lib.includes("DOM") ? "" : "node", "--module", "NodeNext", "--target", "ES2022", "--ignoreConfig"],
      join(folder, file),
    ]);
});
