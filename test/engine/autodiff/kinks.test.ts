/** At kinks and ties there is no derivative to compare with: the convention is PyTorch's (test/fixtures/ops/kinks.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { float, int } from "../../../src/engine/graph/attributes.js";
import type { GraphBuilder, Value } from "../../../src/engine/graph/builder.js";
import { scalar, tensor } from "../../../src/engine/graph/tensor.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { evaluateReference } from "../ops/support/reference.js";

interface Fixture {
  readonly cases: readonly { readonly name: string; readonly inputs: number[][]; readonly gradients: number[][] }[];
}

const fixture = JSON.parse(readFileSync("test/fixtures/ops/kinks.json", "utf8")) as Fixture;

type Build = (b: GraphBuilder, inputs: readonly Value[]) => Value;
const plain =
  (op: string, alpha?: number): Build =>
  (b, inputs) =>
    b.op(op, inputs, alpha === undefined ? {} : { alpha: float(alpha) });
const bound = (b: GraphBuilder, value: number): Value => b.constant(scalar(value, "float64"));

const BUILDS: Readonly<Record<string, Build>> = {
  "LeakyRelu alpha 0.25": plain("LeakyRelu", 0.25),
  "Elu alpha 0.5": plain("Elu", 0.5),
  "Celu alpha 0.5": plain("Celu", 0.5),
  "ThresholdedRelu alpha 1": plain("ThresholdedRelu", 1),
  "HardSigmoid alpha 1/4": plain("HardSigmoid", 0.25),
  "Clip to [0, 6]": (b, [x]) => b.op("Clip", [x, bound(b, 0), bound(b, 6)]),
  "Max of two": plain("Max"),
  "Min of two": plain("Min"),
  "ReduceL2 at 0": plain("ReduceL2"),
  "ReduceProd with one zero": plain("ReduceProd"),
  "ReduceProd with two zeros": plain("ReduceProd"),
};

for (const { name, inputs, gradients } of fixture.cases) {
  test(`${name} has PyTorch's derivative`, () => {
    const b = createBuilder();
    const values = inputs.map((v, i) => b.input(`x${i}`, "float64", [v.length]));
    const out = (BUILDS[name] ?? plain(name))(b, values);
    const loss = b.op("ReduceSum", [out], { keepdims: int(0) });
    const names = backward(b, (call) => opOf(call).gradient, loss, values).map((g) => b.output(g as Value).name);
    const feeds = new Map(inputs.map((v, i) => [`x${i}`, tensor("float64", v)]));
    const computed = evaluateReference(b.build(), feeds);
    gradients.forEach((expected, i) => {
      expected.forEach((e, k) => {
        const actual = computed.get(names[i] as string)?.data[k] as number;
        assert.ok(Math.abs(actual - e) <= 1e-12, `input ${i}, element ${k}: ${actual}, PyTorch gives ${e}`);
      });
    });
  });
}
