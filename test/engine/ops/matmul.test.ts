import { test } from "node:test";
import { float, int } from "../../../src/engine/graph/attributes.js";
import { checkOp } from "./support/check.js";

const pairs: readonly [readonly number[], readonly number[]][] = [
  [
    [3, 4],
    [4, 2],
  ],
  [[4], [4, 2]],
  [[3, 4], [4]],
  [[4], [4]],
  [
    [2, 3, 4],
    [4, 5],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [5, 4, 2],
  ],
  [
    [3, 4],
    [2, 4, 5],
  ],
];

for (const [a, b] of pairs)
  test(`MatMul [${a}] x [${b}]`, () =>
    checkOp({ op: "MatMul", inputs: [{ shape: a }, { shape: b }] }).then(() => undefined));

test("Gemm: every transposition, alpha, beta and broadcast of C", async () => {
  for (const [ta, tb] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    for (const c of [null, [5], [3, 5], [3, 1], []]) {
      await checkOp({
        op: "Gemm",
        attributes: { transA: int(ta), transB: int(tb), alpha: float(0.5), beta: float(2) },
        inputs: [{ shape: ta ? [4, 3] : [3, 4] }, { shape: tb ? [5, 4] : [4, 5] }, ...(c ? [{ shape: c }] : [])],
      });
    }
  }
});
