/** The library's types, as a program for Node sees them that checks declarations and knows no browser. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, test } from "node:test";

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

function compile(args: readonly string[]): void {
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
}

test("the declarations need neither skipLibCheck nor the types of a browser", () => {
  mkdirSync("build", { recursive: true });
  const folder = mkdtempSync(join("build", "types-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  compile([
    ...["-p", "tsconfig.build.json", "--declaration", "--emitDeclarationOnly"],
    ...["--outDir", join(folder, "node_modules", "limbeck")],
  ]);
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
