import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../src/engine/random/random.js";
import { nodeRuntime } from "../../../src/node/session.js";
import type { ExecutorConfig, ExecutorState, StepRequest } from "../../../src/engine/runtime/types.js";
import { TrainingCore } from "../../../src/engine/runtime/worker-core.js";
import { assertClose, bytesOfState, fixture, initialState, network, requests, type TrainingCase } from "./network.js";

async function withCore<T>(
  config: ExecutorConfig,
  use: (core: TrainingCore) => Promise<T>,
  initial = initialState(),
): Promise<T> {
  const core = await TrainingCore.create(await nodeRuntime(), config, initial);
  try {
    return await use(core);
  } finally {
    await core.dispose();
  }
}

/** The fixture's learning rates and momenta. */
function timed(c: TrainingCase, from: number, to: number): StepRequest[] {
  return requests(from, to, { lr: c.lr }).map((r, i) => (c.cycled ? { ...r, momentum: 0.95 - 0.005 * (from + i) } : r));
}

const trained = (config: ExecutorConfig, list: StepRequest[]): Promise<ExecutorState> =>
  withCore(config, async (core) => {
    const result = await core.run(list);
    assert.equal(result.done, list.length);
    return core.snapshot();
  });

for (const c of fixture.cases) {
  test(`20 steps of ${c.name} equal PyTorch's`, async () => {
    await withCore(network({}, { rule: c.rule, clipNorm: c.clip }), async (core) => {
      const result = await core.run(timed(c, 0, 20));
      assert.deepEqual([result.done, result.diverged, core.step], [20, false, 20]);
      assertClose(
        Array.from({ length: 20 }, (_, i) => result.losses[2 * i] as number),
        c.losses,
        2e-6,
        "losses",
      );
      assertClose(result.gradientNorms, c.norms, 5e-6, "norms");
      const state = core.snapshot();
      for (const [name, values] of Object.entries(c.parameters)) {
        assertClose(state.parameters.get(name), values, 1e-5, name);
      }
      assertClose(state.buffers.get("running"), c.running, 2e-6, "running");
      assertClose(await core.evaluate([Float32Array.from(fixture.x[0] as number[])], 16), c.logits, 1e-5, "logits");
    });
  });

  test(`${c.name}: a restored snapshot continues to the same bytes`, async () => {
    const config = network({ maskRate: 0.25 }, { rule: c.rule, clipNorm: c.clip });
    const whole = await trained(config, timed(c, 0, 20));
    assert.equal(bytesOfState(await trained(config, timed(c, 0, 20))), bytesOfState(whole), "repeated");
    const half = await trained(config, timed(c, 0, 9));
    const rest = await withCore(
      config,
      async (core) => {
        await core.run(timed(c, 9, 20));
        return core.snapshot();
      },
      half,
    );
    assert.equal(bytesOfState(rest), bytesOfState(whole), "resumed");
  });
}

test("clipping is at work in the fixture", () => {
  const clipped = fixture.cases.filter((c) => c.clip > 0);
  assert.equal(clipped.length, 2);
  for (const c of clipped) assert.ok(c.norms.some((n) => n > c.clip));
});

test("micro-batches add up to one big batch", async () => {
  const rule = fixture.cases[2]?.rule as TrainingCase["rule"];
  const big = await trained(network({}, { rule }), requests(0, 10));
  const small = await withCore(network({ batch: 4 }, { rule, accumulate: 4 }), async (core) => {
    const result = await core.run(requests(0, 10, {}, 4));
    assertClose(result.losses.slice(0, 1), [fixture.cases[0]?.losses[0] as number], 1e-6, "mean loss");
    assertClose(result.gradientNorms.slice(0, 1), [fixture.cases[0]?.norms[0] as number], 1e-6, "norm of the mean");
    return core.snapshot();
  });
  for (const [name, values] of big.parameters) assertClose(small.parameters.get(name), values, 1e-5, name);
  // Four buffer updates a step, in order: 0.9^4 of the start and 0.1 of each micro-batch's mean.
  assert.equal(small.buffers.get("running")?.length, fixture.hidden);
  assert.notDeepEqual(small.buffers.get("running"), big.buffers.get("running"));
});

test("buffers advance after every micro-batch", async () => {
  const frozen = { lr: 0 };
  const once = await withCore(network({ batch: 4 }), async (core) => {
    const [request] = requests(0, 1, frozen, 4) as [StepRequest];
    await core.run(request.micro.map((m) => ({ ...request, micro: [m] })));
    return core.snapshot();
  });
  const four = await trained(network({ batch: 4 }, { accumulate: 4 }), requests(0, 1, frozen, 4));
  assert.deepEqual(four.buffers.get("running"), once.buffers.get("running"));
});

test("masks are the documented function of seed, stream and micro-batch", async () => {
  // One step of plain SGD with a mask: repeat it by hand, with the mask drawn here.
  const rate = 0.5;
  const size = 16 * fixture.hidden;
  const random = new Random(7, 3);
  const mask = (micro: number) =>
    Float64Array.from({ length: size }, (_, i) => (random.uniform(micro * size + i) < rate ? 0 : 1 / (1 - rate)));
  const config = network({ maskRate: rate }, { rule: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 } });
  const state = { ...initialState(), step: 5 };
  await withCore(
    config,
    async (core) => {
      const result = await core.run(requests(5, 6));
      assertClose(result.losses.slice(0, 1), [maskedLoss(5, mask(5))], 1e-6, "loss");
      assert.ok(Math.abs(maskedLoss(5, mask(5)) - maskedLoss(5, mask(4))) > 1e-3, "another mask, another loss");
    },
    state,
  );
});

/** Mean cross-entropy of the start weights under a mask, in float64. */
function maskedLoss(step: number, mask: Float64Array): number {
  const { features, hidden, classes, start } = fixture;
  const [w1, b1, w2, b2] = ["w1", "b1", "w2", "b2"].map((n) => start[n] as number[]) as number[][];
  const x = fixture.x[step] as number[];
  const at = (a: number[] | undefined, i: number) => a?.[i] as number;
  let sum = 0;
  for (let n = 0; n < 16; n++) {
    const h = Array.from({ length: hidden }, (_, j) => {
      let z = at(b1, j);
      for (let i = 0; i < features; i++) z += at(x, n * features + i) * at(w1, i * hidden + j);
      return Math.max(0, z) * (mask[n * hidden + j] as number);
    });
    const logits = Array.from({ length: classes }, (_, c) =>
      h.reduce((z, v, j) => z + v * at(w2, j * classes + c), at(b2, c)),
    );
    const total = logits.reduce((s, z) => s + Math.exp(z), 0);
    sum += Math.log(total) - at(logits, fixture.labels[step]?.[n] as number);
  }
  return sum / 16;
}

test("scalars reach the graph", async () => {
  const scalars = new Float32Array([3]);
  await withCore(network(), async (core) => {
    const result = await core.run(requests(0, 1, { scalars }));
    const [loss, crossEntropy] = result.losses as unknown as [number, number];
    assertClose([loss], [3 * crossEntropy], 1e-6);
    assertClose(result.gradientNorms, [3 * (fixture.cases[0]?.norms[0] as number)], 1e-5);
  });
});

test("diagnostics measure the first micro-batch before the update", async () => {
  await withCore(network({ diagnostic: true }), async (core) => {
    const list = requests(0, 4).map((r, i) => ({ ...r, diagnose: i % 2 === 1 }));
    const result = await core.run(list);
    assert.deepEqual(
      result.diagnostics.map((d) => d.step),
      [1, 3],
    );
    for (const { step, values } of result.diagnostics) {
      const norm = result.gradientNorms[step] as number;
      assertClose(values, [norm, norm / 2], 1e-6);
    }
  });
});

for (const accumulate of [1, 4]) {
  test(`divergence is reported and leaves the state as it was (${accumulate} micro-batches)`, async () => {
    await withCore(network({ batch: 16 / accumulate }, { accumulate }), async (core) => {
      const list = requests(0, 5, {}, accumulate);
      await core.run(list.slice(0, 2));
      const before = bytesOfState(core.snapshot());
      // The last micro-batch is poisoned, so buffers have moved by then.
      const poisoned = list[2]?.micro[accumulate - 1]?.[0] as Float32Array;
      poisoned[3] = Number.POSITIVE_INFINITY;
      const result = await core.run(list.slice(2));
      assert.deepEqual([result.done, result.diverged], [0, true]);
      assert.ok(Number.isNaN(result.losses[0]));
      assert.equal(result.losses.length, 2, "the row of the step that diverged");
      assert.equal(result.gradientNorms.length, 1);
      assert.equal(bytesOfState(core.snapshot()), before);
      assert.equal((await core.run(list.slice(3))).done, 2, "and training can go on");
    });
  });
}

test("an infinite gradient is divergence even when the loss is finite", async () => {
  await withCore(network(), async (core) => {
    const before = bytesOfState(core.snapshot());
    const [request] = requests(0, 1) as [StepRequest];
    // Inputs near the largest float overflow in x^T dz; the weights are zero, so the loss does not see them.
    const zero = { ...initialState(), parameters: new Map(initialState().parameters) };
    zero.parameters.set("w1", new Float32Array(fixture.features * fixture.hidden));
    zero.parameters.set("b1", new Float32Array(fixture.hidden).fill(1));
    core.restore(zero);
    (request.micro[0]?.[0] as Float32Array).fill(3e38);
    const result = await core.run([{ ...request, scalars: new Float32Array([100]) }]);
    assert.ok(Number.isFinite(result.losses[0]));
    assert.deepEqual([result.done, result.diverged], [0, true]);
    assert.ok(!Number.isFinite(result.gradientNorms[0]));
    core.restore(initialState());
    assert.equal(bytesOfState(core.snapshot()), before, "restoring without moments starts afresh");
  });
});

test("evaluation covers any number of samples, across chunks", async () => {
  await withCore(network(), async (core) => {
    const rows = fixture.x.slice(0, 20).flat();
    const all = Float32Array.from([...rows, ...rows].slice(0, 600 * fixture.features));
    const outputs = await core.evaluate([all], 600);
    assert.equal(outputs.length, 600 * fixture.classes);
    for (const i of [0, 255, 256, 511, 512, 599]) {
      const one = await core.evaluate([all.slice(i * fixture.features, (i + 1) * fixture.features)], 1);
      assertClose(outputs.slice(i * fixture.classes, (i + 1) * fixture.classes), one, 1e-6, `sample ${i}`);
    }
    assert.equal((await core.evaluate([new Float32Array(0)], 0)).length, 0);
    await assert.rejects(core.evaluate([all], 599), {
      code: "internal",
      where: "evaluation",
      found: /3,600/,
      expected: /^3594,/,
    });
  });
});

test("programs and requests that do not fit are refused by name", async () => {
  const config = network();
  const runtime = await nodeRuntime();
  const refuse = (changed: Partial<ExecutorConfig["step"]>, found: RegExp, code = "internal") =>
    assert.rejects(TrainingCore.create(runtime, { ...config, step: { ...config.step, ...changed } }, initialState()), {
      name: "RunError",
      code,
      where: "training graph",
      found,
    });
  await refuse({ scalars: [] }, /"scale"/);
  await refuse({ scalars: ["scale", "temperature"] }, /"temperature"/);
  await refuse({ losses: ["loss", "l2"] }, /"l2"/);
  await refuse(
    { batch: [config.step.batch[1], config.step.batch[0]].map((b) => ({ ...b, shape: [3] }) as never) },
    /input "x"/,
  );
  await refuse({ graph: new Uint8Array([1, 2, 3]) }, /./, "engine-failed");
  await withCore(config, async (core) => {
    const [request] = requests(0, 1) as [StepRequest];
    const [x, labels] = request.micro[0] as [Float32Array, BigInt64Array];
    const run = (changed: Partial<StepRequest>) => core.run([{ ...request, ...changed }]);
    await assert.rejects(run({ micro: [] }), { where: "training step 1", found: /0 micro/, expected: "1" });
    await assert.rejects(run({ micro: [[x]] }), { where: "training step 1", found: /1 batch array/, expected: "2" });
    await assert.rejects(run({ scalars: new Float32Array(2) }), {
      where: "training step 1",
      found: /2 scalars/,
      expected: "1",
    });
    await assert.rejects(run({ lr: Number.NaN }), { where: "training step 1", found: /NaN/ });
    await assert.rejects(run({ micro: [[x.slice(1), labels]] }), {
      code: "internal",
      where: "training step 1",
      found: /"x".* 95$/,
    });
    await assert.rejects(run({ micro: [[x, Float32Array.from(labels, Number)]] }), {
      code: "internal",
      where: "training step 1",
      found: /"labels".* 16$/,
    });
    assert.equal(core.step, 0);
  });
});

test("a state that does not fit is refused and changes nothing", async () => {
  await withCore(network(), async (core) => {
    await core.run(requests(0, 2));
    const state = core.snapshot();
    const before = bytesOfState(state);
    const refuse = (changed: Partial<ExecutorState>, found: RegExp) =>
      assert.throws(() => core.restore({ ...state, ...changed }), {
        name: "RunError",
        code: "checkpoint-invalid",
        where: "training state",
        found,
      });
    const without = (map: ReadonlyMap<string, Float32Array>, name: string) =>
      new Map([...map].filter(([key]) => key !== name));
    refuse({ parameters: without(state.parameters, "w2") }, /lacks the parameter "w2"/);
    refuse({ moments: without(state.moments, "b1/0") }, /lacks the moment "b1\/0"/);
    refuse({ buffers: new Map([...state.buffers, ["other", new Float32Array(1)]]) }, /a buffer "other"/);
    refuse({ parameters: new Map([...state.parameters, ["b2", new Float32Array(9)]]) }, /"b2" has 9 /);
    refuse({ moments: new Map([...state.moments, ["b2/1", new Float32Array(3)]]) }, /another update rule/);
    assert.equal(bytesOfState(core.snapshot()), before);
  });
});

test("a failing node is named and the state stays as it was", async () => {
  await withCore(network({ batch: 4 }, { accumulate: 4 }), async (core) => {
    const list = requests(0, 3, {}, 4);
    await core.run(list.slice(0, 1));
    const before = bytesOfState(core.snapshot());
    // The third of four micro-batches fails: buffers have moved by then.
    (list[1]?.micro[2]?.[1] as BigInt64Array)[0] = 99n;
    await assert.rejects(core.run(list.slice(1)), {
      name: "RunError",
      code: "engine-failed",
      where: "training step 2",
      found: /labels\/gather/,
    });
    assert.equal(bytesOfState(core.snapshot()), before);
    assert.equal((await core.run(list.slice(2))).done, 1);
  });
});

test("stopping is asked before every step", async () => {
  await withCore(network(), async (core) => {
    let asked = 0;
    const result = await core.run(requests(0, 10), () => asked++ === 4);
    assert.deepEqual([result.done, result.diverged, core.step, result.gradientNorms.length], [4, false, 4, 4]);
    assert.equal(result.losses.length, 8);
  });
});

test("a buffer that no step changes is kept, fed and saved", async () => {
  const config = network();
  // The graph still reads "running", but nobody takes its new value.
  await withCore(
    { ...config, step: { ...config.step, buffers: [] } },
    async (core) => {
      const result = await core.run(requests(0, 3));
      assert.equal(result.done, 3);
      assert.deepEqual(core.snapshot().buffers.get("running"), new Float32Array(fixture.hidden).fill(2));
    },
    { ...initialState(), buffers: new Map([["running", new Float32Array(fixture.hidden).fill(2)]]) },
  );
});
