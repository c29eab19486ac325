/** Training on WebGPU (in CI a software driver): the same numbers as PyTorch's and as the CPU's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileUpdate } from "../../../src/engine/compile/update.js";
import { DeviceCore } from "../../../src/engine/runtime/device-core.js";
import { nodeRuntime } from "../../../src/node/session.js";
import type { ExecutorConfig, ExecutorState } from "../../../src/engine/runtime/types.js";
import { withoutDevice } from "../../support/device.js";
import { assertClose, bytesOfState, fixture, initialState, type NetworkOptions, network, requests } from "./network.js";

const options = { skip: withoutDevice };

function onDevice(net: NetworkOptions, overrides: Partial<ExecutorConfig> = {}): ExecutorConfig {
  const config = network(net, { ...overrides, device: "webgpu" });
  return { ...config, update: compileUpdate(config.step.parameters, config) };
}

async function withCore<T>(
  config: ExecutorConfig,
  use: (core: DeviceCore) => Promise<T>,
  initial: ExecutorState = initialState(),
): Promise<T> {
  const core = await DeviceCore.create(await nodeRuntime(), config, initial);
  try {
    return await use(core);
  } finally {
    await core.dispose();
  }
}

for (const c of fixture.cases) {
  test(`20 steps of ${c.name} on WebGPU equal PyTorch's`, options, async () => {
    await withCore(onDevice({}, { rule: c.rule, clipNorm: c.clip }), async (core) => {
      const list = requests(0, 20, { lr: c.lr }).map((r, i) => (c.cycled ? { ...r, momentum: 0.95 - 0.005 * i } : r));
      const result = await core.run(list);
      assert.deepEqual([result.done, result.diverged, core.step], [20, false, 20]);
      assertClose(
        Array.from({ length: 20 }, (_, i) => result.losses[2 * i] as number),
        c.losses,
        1e-5,
        "losses",
      );
      assertClose(result.gradientNorms, c.norms, 1e-5, "norms");
      const state = await core.snapshot();
      for (const [name, values] of Object.entries(c.parameters))
        assertClose(state.parameters.get(name), values, 1e-5, name);
      assertClose(state.buffers.get("running"), c.running, 1e-5, "running");
      assertClose(await core.evaluate([Float32Array.from(fixture.x[0] as number[])], 16), c.logits, 1e-5, "logits");
    });
  });
}

test("a restored snapshot continues to the same bytes, with micro-batches and masks", options, async () => {
  const config = onDevice({ batch: 4, maskRate: 0.25 }, { accumulate: 4, rule: fixture.cases[2]?.rule });
  const train = (from: number, to: number, initial?: ExecutorState): Promise<ExecutorState> =>
    withCore(
      config,
      async (core) => {
        await core.run(requests(from, to, {}, 4));
        return core.snapshot();
      },
      initial,
    );
  const whole = await train(0, 10);
  assert.equal(bytesOfState(await train(4, 10, await train(0, 4))), bytesOfState(whole));
});

test("micro-batches add up to one big batch", options, async () => {
  const run = (batch: number, accumulate: number): Promise<ExecutorState> =>
    withCore(onDevice({ batch }, { accumulate, clipNorm: 0.5 }), async (core) => {
      await core.run(requests(0, 6, {}, accumulate));
      return core.snapshot();
    });
  const [big, small] = [await run(16, 1), await run(4, 4)];
  for (const [name, values] of big.parameters) assertClose(small.parameters.get(name), values, 1e-5, name);
});

for (const accumulate of [1, 4]) {
  test(`divergence leaves the state as it was (${accumulate} micro-batches)`, options, async () => {
    await withCore(onDevice({ batch: 16 / accumulate }, { accumulate }), async (core) => {
      const list = requests(0, 5, {}, accumulate);
      await core.run(list.slice(0, 2));
      const before = bytesOfState(await core.snapshot());
      (list[2]?.micro[accumulate - 1]?.[0] as Float32Array)[3] = Number.NaN;
      const result = await core.run(list.slice(2));
      assert.deepEqual([result.done, result.diverged], [0, true]);
      assert.equal(bytesOfState(await core.snapshot()), before);
      assert.equal((await core.run(list.slice(3))).done, 2);
    });
  });
}

test("diagnostics, evaluation and restoring see the state on the device", options, async () => {
  await withCore(onDevice({ diagnostic: true }), async (core) => {
    const result = await core.run(requests(0, 3, { diagnose: true }));
    for (const { step, values } of result.diagnostics) {
      const norm = result.gradientNorms[step] as number;
      assertClose(values, [norm, norm / 2], 1e-5);
    }
    const x = Float32Array.from(fixture.x[0] as number[]);
    const moved = await core.evaluate([x], 16);
    core.restore(initialState());
    const start = await core.evaluate([x], 16);
    assert.ok(start.some((v, i) => Math.abs(v - (moved[i] as number)) > 1e-3));
    assert.equal(bytesOfState(await core.snapshot()).length > 0, true);
    assert.throws(() => core.restore({ ...initialState(), parameters: new Map() }), {
      code: "checkpoint-invalid",
      found: /"w1"/,
    });
    assertClose(await core.evaluate([x], 16), start, 0, "a refused state changes nothing");
  });
});
