/** Every loss works from a recipe's fields and from TypeScript. */
import "../../../src/run/entries.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromArrays } from "../../../src/learn/data/dataset.js";
import { InputError } from "../../../src/base/errors.js";
import { objectiveLayers, objectiveNeeds } from "../../../src/engine/objective/objective.js";
import { lossesAgainst } from "../../../src/engine/objective/registry.js";
import { loadData } from "../../../src/run/recipe/data.js";
import { planOf } from "../../../src/run/recipe/load.js";
import { objectiveOf } from "../../../src/run/recipe/resolve.js";
import type { ObjectiveInput } from "../../../src/run/recipe/schema/schema.js";
import { expandArms } from "../../../src/run/pipeline/arms.js";
import { type DistillationLossName, Distiller } from "../../../src/app/library/distiller.js";
import type { Teacher } from "../../../src/learn/teacher/types.js";
import { inRecipe } from "../../support/faults.js";

const base = {
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [8] }, training: { epochs: 1 } },
  student: { kind: "mlp", hidden: [4] },
  training: { epochs: 1 },
};
const parse = (objective: object) => objectiveOf(planOf({ ...base, objective }).objective);
const needed: Readonly<Record<string, object>> = { "top-k-kl": { k: 3 } };
const kinds = lossesAgainst("answers").map(({ kind }) => kind);

test("a recipe names every loss, as distillation loss and as a term, with defaults that its definition accepts", () => {
  for (const kind of kinds) {
    const loss = { kind, ...needed[kind] };
    const own = parse({ distillation_loss: loss });
    assert.equal(own.distillationLoss?.kind, kind);
    assert.equal(objectiveNeeds(own).teacher, true);
    const term = parse({ terms: [{ ...loss, weight: 2, schedule: { kind: "warm-up", steps: 5 }, name: "mine" }] });
    assert.equal(objectiveNeeds(term).teacher, true);
    assert.deepEqual(
      term.terms?.map((t) => [t.kind, t.weight, t.schedule, t.name]),
      [[kind, 2, { kind: "warm-up", steps: 5 }, "mine"]],
    );
  }
  assert.throws(
    () => parse({ terms: [{ kind: "dkd", other_wieght: 1 }] }),
    inRecipe("objective.terms.0.other_wieght", "option-unknown", /./, /other_weight/),
  );
  assert.throws(
    () => parse({ distillation_loss: { kind: "dk" } }),
    inRecipe("objective.distillation_loss.kind", "option-invalid", /"dk"/, /"d?kd"/),
  );
});

test("a recipe's terms name every loss between layers, with defaults that its definition accepts", () => {
  const both = [
    { student: "a", teacher: "b/*" },
    { student: "c", teacher: "d" },
  ];
  for (const { kind } of lossesAgainst("layers")) {
    const layers = kind === "simkd" ? both.slice(1) : both;
    const found = parse({ terms: [{ kind, layers, weight: 3 }] });
    assert.deepEqual(objectiveLayers(found), layers, kind);
    assert.equal(objectiveNeeds(found).teacher, true);
    assert.throws(
      () => parse({ terms: [{ kind, layers: [] }] }),
      inRecipe("objective.terms.0.layers", "option-invalid", /empty/),
    );
  }
  const rkd = parse({ terms: [{ kind: "rkd", layers: both, angle_weight: 7 }] }).terms?.[0];
  assert.ok(rkd?.kind === "rkd" && rkd.angleWeight === 7 && rkd.distanceWeight === 25);
  assert.deepEqual(
    objectiveLayers(parse({ terms: [{ kind: "rkd", layers: both, weight: 0 }] })),
    [],
    "left out with its layers",
  );
  assert.throws(() => objectiveLayers(parse({ terms: [{ kind: "simkd", layers: both }] })), {
    code: "option-invalid",
    where: "objective.terms.0.layers",
    found: /2 pairs/,
  });
});

const samples = Float32Array.from({ length: 256 * 3 }, (_, i) => Math.sin(i * 12.9898) * 2);
const classOf = (i: number): number => {
  const row = [...samples.subarray(3 * i, 3 * i + 3)];
  return row.indexOf(Math.max(...row));
};
const data = fromArrays({
  samples,
  labels: Array.from({ length: 256 }, (_, i) => classOf(i)),
  sampleShape: [3],
  classes: ["a", "b", "c"],
});
const teacher: Teacher = {
  name: "three times the sample",
  hash: "v1",
  preprocessing: "none",
  kind: "logits",
  classes: 3,
  batch: 256,
  parameters: null,
  bytes: 0,
  notes: [],
  answer: async (d, indices) =>
    Float32Array.from([...indices].flatMap((i) => [0, 1, 2].map((c) => 3 * (d.samples[3 * i + c] as number)))),
  dispose: async () => {},
};

async function trained(options: Parameters<Distiller["compile"]>[0], steps = 150) {
  const distiller = new Distiller({ teacher, student: { kind: "mlp", hidden: [] }, threads: 1 });
  distiller.compile({ learningRate: 0.05, alpha: 1, ...options });
  const result = await distiller.fit(data, { steps, batchSize: 32, gradientSharesEvery: 10, select: "last" });
  const { agreement } = await distiller.evaluate(data);
  await distiller.dispose();
  return { result, agreement: agreement ?? 0 };
}

test("a student trained with any of the losses comes to agree with its teacher", async () => {
  for (const kind of kinds) {
    const loss = { kind, ...needed[kind] } as ObjectiveInput["distillation_loss"];
    const { agreement, result } = await trained({ distillationLoss: loss });
    assert.ok(agreement > 0.9, `${kind}: agreement ${agreement}`);
    const [first, last] = [result.curve[0], result.curve.at(-1)];
    assert.ok((last?.loss ?? 1) < (first?.loss ?? 0), `${kind}: the loss falls`);
  }
});

test("a loss by name with its defaults; a temperature beside it; what is missing is said", () => {
  const compiled = (name: DistillationLossName, temperature?: number) =>
    new Distiller({ teacher, student: { kind: "mlp", hidden: [] } }).compile({ distillationLoss: name, temperature });
  compiled("dkd", 2);
  assert.throws(() => compiled("top-k-kl"), inRecipe("objective.distillation_loss.k", "option-missing"));
});

test("terms by schedule: what a schedule keeps at 0 does nothing until it rises; idle and drowning terms are warned of", async () => {
  const { result } = await trained(
    {
      alpha: 0.5,
      terms: [
        { kind: "tvd", weight: 1e-5 },
        { kind: "reverse-kl", weight: 0.5, schedule: { kind: "linear", begin: 0.5, end: 0.6 } },
      ],
    },
    100,
  );
  const shares = result.gradientShares.map((g) => g.shares["reverse-kl"] as number);
  assert.equal(shares.length, 10);
  assert.deepEqual(shares.slice(0, 5), [0, 0, 0, 0, 0]);
  assert.ok((shares.at(-1) ?? 0) > 0.01);
  assert.equal(result.warnings.length, 1);
  assert.match(result.warnings[0] ?? "", /student: the term "tvd" has 0.0 % of the gradient/);
  const drowned = await trained({ weights: { student: 1, distillation: 500 }, alpha: undefined }, 20);
  assert.match(drowned.result.warnings.join("\n"), /"student".* 0\.2 %[\s\S]*"distillation".* 99\.8 %/);
});

test("an objective that makes no sense is told by the recipe's own field, and by its variant", async () => {
  const loaded = await loadData({ source: "digits" });
  const falling = { kind: "kd", temperature_schedule: { kind: "linear" } };
  const where = (changes: object): string | undefined => {
    try {
      expandArms(planOf({ ...base, ...changes }), loaded);
    } catch (error) {
      if (error instanceof InputError) return error.where;
      throw error;
    }
    return undefined;
  };
  assert.equal(
    where({ objective: { distillation_loss: falling } }),
    "objective.distillation_loss.temperature_schedule.from",
  );
  assert.equal(where({ objective: { alpha_schedule: { kind: "linear", to: 2 } } }), "objective.alpha_schedule");
  assert.equal(
    where({ variants: [{ name: "hot", set: { "objective.distillation_loss": falling } }] }),
    'variants "hot", objective.distillation_loss.temperature_schedule.from',
  );
});
