/** A loss added from outside is one of limbeck's own: in objectives, recipes, their messages, the doctor and the reference. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { objectiveNeeds, refusesBlends } from "../../../src/engine/objective/objective.js";
import { findLoss, lossesAgainst } from "../../../src/engine/objective/registry.js";
import {
  Distiller,
  evaluateObjective,
  fromArrays,
  int,
  type LossEntry,
  type ObjectiveConfig,
  parseRecipe,
  probeLoss,
  registerLoss,
} from "../../../src/index.js";
import { recipeReference } from "../../../src/run/recipe/reference.js";
import { inRecipe } from "../../support/faults.js";

const schema = z.strictObject({
  kind: z.literal("scaled-gap").describe("Mean squared difference of logits, times a factor"),
  gapFactor: z.number().positive().default(3).describe("What the mean is multiplied by"),
});
/** gapFactor * mean over batch and classes of (z_s - z_t)^2. */
const scaledGap: LossEntry<typeof schema> = {
  kind: "scaled-gap",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  build({ builder: b, studentLogits, teacher }, { gapFactor }) {
    const gap = b.op("Sub", [studentLogits, teacher?.values ?? studentLogits]);
    const mean = b.op("ReduceMean", [b.op("Mul", [gap, gap])], { keepdims: int(0) });
    return b.op("Sum", Array(gapFactor).fill(mean));
  },
};
const remove = registerLoss(scaledGap);
after(remove);

const studentLogits = [
  [1, 2],
  [0, -1],
];
const teacherLogits = [
  [2, 0],
  [0, 3],
];
/** (1 + 4 + 0 + 16) / 4. */
const MEAN = 5.25;
const objective = (loss: object): ObjectiveConfig =>
  ({ alpha: 1, studentLoss: { kind: "cross-entropy" }, distillationLoss: loss }) as ObjectiveConfig;

test("its value has the schema's default, and its options are checked by the schema", async () => {
  const values = { studentLogits, teacherLogits };
  const near = (found: number, expected: number): void => assert.ok(Math.abs(found - expected) < 1e-12, `${found}`);
  near((await evaluateObjective(objective({ kind: "scaled-gap" }), values)).loss, 3 * MEAN);
  near((await evaluateObjective(objective({ kind: "scaled-gap", gapFactor: 2 }), values)).loss, 2 * MEAN);
  assert.throws(() => objectiveNeeds(objective({ kind: "scaled-gap", gapFactor: 0 })), {
    code: "option-invalid",
    where: "objective.distillation_loss.gap_factor",
    expected: "a number above 0",
  });
  assert.throws(() => registerLoss(scaledGap), { code: "option-conflict", where: 'loss "scaled-gap"' });
});

const base = {
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [8] }, training: { epochs: 1 } },
  student: { kind: "mlp", hidden: [4] },
  training: { epochs: 1 },
};

test("a recipe names it, with its fields spelt as recipes are; the reference lists it once", () => {
  const recipe = parseRecipe({
    ...base,
    objective: { distillation_loss: { kind: "scaled-gap", gap_factor: 2 } },
  } as never);
  assert.deepEqual(recipe.objective.distillation_loss, { kind: "scaled-gap", gap_factor: 2 });
  assert.throws(
    () => parseRecipe({ ...base, objective: { distillation_loss: { kind: "scaled-gap", gap_faktor: 2 } } } as never),
    inRecipe("objective.distillation_loss.gap_faktor", "option-unknown", /./, /gap_factor/),
  );
  assert.equal(recipeReference().match(/\| `gap_factor` \|/g)?.length, 1);
});

test("a student learns from it through the library; the doctor holds it to no laws that it does not claim", async () => {
  const rows = Float32Array.from({ length: 64 * 2 }, (_, i) => Math.sin(i * 12.9898));
  const data = fromArrays({
    samples: rows,
    labels: Array.from({ length: 64 }, (_, i) => Number((rows[2 * i] as number) < (rows[2 * i + 1] as number))),
    sampleShape: [2],
    classes: ["a", "b"],
  });
  const teacher = {
    name: "the sample",
    hash: "v1",
    preprocessing: "none",
    kind: "logits",
    classes: 2,
    batch: 64,
    parameters: null,
    bytes: 0,
    notes: [],
    answer: async (_: unknown, indices: Iterable<number>) =>
      Float32Array.from([...indices].flatMap((i) => [...rows.subarray(2 * i, 2 * i + 2)])),
    dispose: async () => {},
  };
  const distiller = new Distiller({ teacher: teacher as never, student: { kind: "mlp", hidden: [] }, threads: 1 });
  distiller.compile({ learningRate: 0.05, alpha: 1, distillationLoss: "scaled-gap" as never });
  await distiller.fit(data, { steps: 150, batchSize: 32, select: "last" });
  const { agreement } = await distiller.evaluate(data);
  await distiller.dispose();
  assert.ok((agreement ?? 0) > 0.9, `agreement ${agreement}`);
  assert.deepEqual(
    (await probeLoss({ kind: "scaled-gap" } as never)).map(({ status }) => status),
    ["ok"],
  );
  assert.equal((await probeLoss({ kind: "kd" }))[0]?.status, "ok");
});

test("what shared code asks of limbeck's own losses", () => {
  const blends = (studentLoss: object, distillationLoss: object): string | null =>
    refusesBlends({ alpha: 0.5, studentLoss, distillationLoss } as ObjectiveConfig);
  const labels = { kind: "cross-entropy" };
  assert.equal(blends(labels, { kind: "kd" }), null);
  assert.equal(blends(labels, { kind: "dkd" }), "dkd");
  assert.equal(blends({ ...labels, virtualTeacher: {} }, { kind: "kd" }), "a virtual teacher");
  assert.deepEqual(
    lossesAgainst("labels", "answers", "layers", "peers")
      .filter((loss) => loss.reuse)
      .map(({ kind }) => kind),
    ["simkd"],
  );
  for (const { kind, schema: options } of lossesAgainst("labels", "answers", "layers", "peers"))
    assert.equal(options.shape.kind.value, kind);
});

test("once it is taken away, nothing knows it", () => {
  remove();
  assert.equal(findLoss("scaled-gap"), undefined);
  assert.throws(
    () => parseRecipe({ ...base, objective: { distillation_loss: { kind: "scaled-gap" } } } as never),
    inRecipe("objective.distillation_loss.kind", "option-invalid", /"scaled-gap"/),
  );
  assert.doesNotMatch(recipeReference(), /scaled-gap/);
});
