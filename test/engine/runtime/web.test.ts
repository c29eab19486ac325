/** The same core over onnxruntime-web's wasm, one thread, as it runs in a browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { webRuntime } from "../../../src/engine/runtime/web.js";
import { TrainingCore } from "../../../src/engine/runtime/worker-core.js";
import { assertClose, bytesOfState, fixture, initialState, network, requests } from "./network.js";

const runtime = await webRuntime({ device: "cpu", threads: 1 });

for (const c of fixture.cases) {
  test(`20 steps of ${c.name} in wasm equal PyTorch's`, async () => {
    const core = await TrainingCore.create(runtime, network({}, { rule: c.rule, clipNorm: c.clip }), initialState());
    const list = requests(0, 20, { lr: c.lr }).map((r, i) => (c.cycled ? { ...r, momentum: 0.95 - 0.005 * i } : r));
    const result = await core.run(list);
    assert.equal(result.done, 20);
    assertClose(
      Array.from({ length: 20 }, (_, i) => result.losses[2 * i] as number),
      c.losses,
      2e-6,
      "losses",
    );
    assertClose(result.gradientNorms, c.norms, 5e-6, "norms");
    const state = core.snapshot();
    for (const [name, values] of Object.entries(c.parameters))
      assertClose(state.parameters.get(name), values, 1e-5, name);
    assertClose(await core.evaluate([Float32Array.from(fixture.x[0] as number[])], 16), c.logits, 1e-5, "logits");
    await core.dispose();
  });
}

test("in wasm a restored snapshot continues to the same bytes, micro-batches, masks and diagnostics included", async () => {
  const average = { decay: 0.9, ramp: true };
  const config = network({ batch: 4, maskRate: 0.25 }, { accumulate: 4, average });
  const train = async (from: number, to: number, initial = initialState()) => {
    const core = await TrainingCore.create(runtime, config, initial);
    await core.run(requests(from, to, {}, 4));
    const state = core.snapshot();
    await core.dispose();
    return state;
  };
  const whole = await train(0, 12);
  assert.equal(bytesOfState(await train(5, 12, await train(0, 5))), bytesOfState(whole));
  assert.notDeepEqual(whole.averages?.get("w1"), whole.parameters.get("w1"));
  const core = await TrainingCore.create(runtime, network({ diagnostic: true }), initialState());
  const { diagnostics } = await core.run(requests(0, 1, { diagnose: true }));
  const [norm, half] = diagnostics[0]?.values as Float32Array;
  assertClose(
    [norm as number, 2 * (half as number)],
    [fixture.cases[0]?.norms[0], fixture.cases[0]?.norms[0]] as number[],
    5e-6,
  );
  await core.dispose();
});
