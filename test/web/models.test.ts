/** Transformers and MobileNet trained in limbeck/web's wasm: the losses of the Node library on the same data. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as library from "../../src/index.js";
import * as web from "../../src/web/index.js";
import { assertClose } from "../engine/runtime/network.js";
import { digits } from "./support.js";

const images = { ...digits(96), sampleShape: [1, 8, 8] };
const ids = Int32Array.from({ length: 96 * 6 }, (_, i) => (i * 7 + ((i / 6) | 0) * 3) % 20);
const tokens = { samples: ids, sampleShape: [6], labels: images.labels };
const dropout = 0.1;
const cases: readonly [Exclude<library.ModelInput, { kind: "onnx" }>, web.ArraySource][] = [
  [{ kind: "vit", patch: 2, dim: 12, depth: 2, heads: 3, dropout }, images],
  [{ kind: "text-encoder", vocabulary: 20, dim: 8, heads: 2, padding_id: 0, dropout }, tokens],
  [{ kind: "mobilenet", width: 0.1, dropout }, images],
];

for (const [student, source] of cases) {
  test(`${student.kind}: steps in wasm are the native ones`, async () => {
    const losses: number[] = [];
    for (const kit of [library, web]) {
      // With alpha 0 no teacher is asked.
      const distiller = new kit.Distiller({ teacher: "none.onnx" as never, student, seed: 4, threads: 1 });
      distiller.compile({ alpha: 0, learningRate: 0.001 });
      const data = kit.fromArrays(source);
      const { curve } = await distiller.fit(data, { steps: 2, batchSize: 24 });
      const { nll } = await distiller.evaluate(data);
      losses.push(curve[0]?.loss ?? Number.NaN, nll as number);
      await distiller.dispose();
    }
    assert.equal(losses.length, 4);
    // Adam's first steps are the signs of the gradients; near 0 rounding decides them, and 53 batch norms magnify it.
    const tolerance = student.kind === "mobilenet" ? 1e-3 : 1e-4;
    assertClose(losses.slice(2), losses.slice(0, 2), tolerance, "loss and NLL after the steps");
  });
}
