import { test } from "node:test";
import { int, text } from "../../../src/engine/graph/attributes.js";
import { checkOp, type InputSpec } from "./support/check.js";

const indices = (shape: number[], values: number[]): InputSpec => ({ shape, values, dtype: "int64" });

test("Gather: any axis, repeated and negative indices (the gradient of an embedding)", async () => {
  await checkOp({ op: "Gather", inputs: [{ shape: [5, 3] }, indices([4], [0, 4, 0, -1])] });
  await checkOp({
    op: "Gather",
    attributes: { axis: int(1) },
    inputs: [{ shape: [2, 5, 3] }, indices([2, 2], [1, 1, 4, -5])],
  });
  await checkOp({ op: "Gather", inputs: [{ shape: [5, 3] }, indices([], [2])] });
});

test("GatherElements and ScatterElements", async () => {
  await checkOp({
    op: "GatherElements",
    attributes: { axis: int(1) },
    inputs: [{ shape: [2, 3] }, indices([2, 4], [0, 1, 1, 2, 2, 0, -1, 0])],
  });
  await checkOp({
    op: "ScatterElements",
    attributes: { axis: int(0), reduction: text("add") },
    inputs: [{ shape: [3, 2] }, indices([4, 2], [0, 1, 0, 2, 2, 2, 1, 0]), { shape: [4, 2] }],
  });
});
