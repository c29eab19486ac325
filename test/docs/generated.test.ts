/** The generated pages say what the program says: run `npm run docs` after a change. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { pages } from "../../src/cli/docs.js";
import { allOps } from "../../src/engine/ops/registry.js";

for (const [name, text] of Object.entries(pages())) {
  test(`docs/${name} is up to date`, () => assert.equal(readFileSync(join("docs", name), "utf8"), text));
}

test("the op table has every operator once", () => {
  const rows = (pages()["ops.md"] as string).split("\n").filter((l) => /^\| [A-Z]/.test(l));
  assert.equal(rows.length, allOps().length);
});

test("the recipe reference has every field of the recipes we ship", () => {
  const text = pages()["recipe.md"] as string;
  const keysOf = (value: unknown): string[] => {
    if (Array.isArray(value)) return value.flatMap(keysOf);
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => [
      key,
      ...(["set", "grid"].includes(key) ? [] : keysOf(inner)),
    ]);
  };
  for (const file of readdirSync("recipes", { recursive: true })
    .map(String)
    .filter((f) => f.endsWith(".yaml"))) {
    for (const key of keysOf(parse(readFileSync(join("recipes", file), "utf8"))))
      assert.ok(text.includes(`\`${key}\``) || text.includes(`\`${key}:`), `${file}: ${key}`);
  }
});

test("the generated parts of docs/results.md are what the kept figures give", async () => {
  const { generated } = (await import(pathToFileURL(resolve("scripts/results.js")).href)) as {
    generated: (text: string) => string;
  };
  const page = readFileSync("docs/results.md", "utf8");
  assert.equal(generated(page), page, "run npm run results");
});

test("links between pages lead somewhere", () => {
  for (const page of [
    "README.md",
    ...readdirSync("docs")
      .filter((f) => f.endsWith(".md"))
      .map((f) => join("docs", f)),
  ]) {
    for (const [, target] of readFileSync(page, "utf8").matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target as string)) continue;
      assert.ok(existsSync(join(dirname(page), target as string)), `${page} links to ${target}`);
    }
  }
});
