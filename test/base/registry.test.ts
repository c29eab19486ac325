import assert from "node:assert/strict";
import { test } from "node:test";
import { assembled, Registry } from "../../src/base/registry.js";

test("a registry keeps its entries in order, refuses a kind twice and lets go of what was added", () => {
  const shapes = new Registry<{ kind: string; sides: number }>("shape", [{ kind: "triangle", sides: 3 }]);
  const count = { made: 0 };
  const kinds = assembled(() => {
    count.made++;
    return shapes.entries.map((e) => e.kind).join();
  });
  assert.deepEqual([kinds(), kinds(), count.made], ["triangle", "triangle", 1], "made once");
  const remove = shapes.register({ kind: "square", sides: 4 });
  assert.deepEqual([kinds(), count.made], ["triangle,square", 2], "made again where an entry is new");
  assert.equal(shapes.find("square")?.sides, 4);
  assert.throws(() => shapes.register({ kind: "square", sides: 5 }), {
    code: "option-conflict",
    where: 'shape "square"',
  });
  remove();
  remove();
  assert.deepEqual([kinds(), shapes.find("square")], ["triangle", undefined]);
});
