import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ABSTRACT_DOMAIN } from "../../../../src/engine/graph/types.js";
import { NCHWC_DOMAIN } from "../../../../src/engine/ops/nchwc.js";
import { allOps } from "../../../../src/engine/ops/registry.js";

const folder = join(process.cwd(), "test", "engine", "ops");
const tests = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((f) => f.endsWith(".test.ts"))
  .map((f) => readFileSync(join(folder, f), "utf8"))
  .join("\n");

test("every op of the registry occurs in a test of its family", () => {
  // The blocked layout's ops are ONNX Runtime's own; test/engine/compile/blocked.test.ts runs them.
  const own = allOps().filter((d) => d.domain !== NCHWC_DOMAIN);
  const untested = own.filter(({ op }) => !new RegExp(`["'\`]${op}["'\`]`).test(tests));
  assert.deepEqual(
    untested.map((d) => d.op),
    [],
    "ops without a test in test/engine/ops",
  );
});

test("every abstract op can be lowered", () => {
  for (const d of allOps()) {
    assert.equal(d.lower !== undefined, d.domain === ABSTRACT_DOMAIN, `${d.domain ?? ""}:${d.op}`);
  }
});
