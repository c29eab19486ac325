/** Strategies that are registered from outside of src/. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { z } from "zod";
import { type FinishedHop, type Hop, distill, type RecipeInput, registerStrategy, sweep } from "../../src/index.js";
import { faultLike, inRecipe } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The types know limbeck's own kinds. */
const recipe = (
  strategy: unknown,
  teacher: unknown = { model: { kind: "mlp", hidden: [24] }, training: { epochs: 5 } },
): RecipeInput =>
  ({
    name: "pair",
    data: { source: "digits" },
    teacher,
    student: { kind: "mlp", hidden: [8] },
    training: { epochs: 3 },
    strategy,
  }) as unknown as RecipeInput;

test("a plan of hops runs as any other strategy, and its kind can be named while it is registered", async () => {
  const strategy = { kind: "two-weights", alphas: [0.2, 1] };
  await assert.rejects(distill(recipe(strategy)), inRecipe("strategy.kind", "option-invalid"));
  const remove = registerStrategy<{ readonly alphas: readonly number[] }>({
    kind: "two-weights",
    schema: () =>
      z.strictObject({
        kind: z.literal("two-weights").describe("The same student under several values of alpha"),
        alphas: z.array(z.number()).min(2).describe("The values"),
      }),
    asksTeacher: () => true,
    planHops(plan, { alphas }) {
      const hops = alphas.map((alpha, i): Hop => {
        const own = { ...plan, strategy: { kind: "one-shot" as const }, objective: { ...plan.objective, alpha } };
        const names = { title: `alpha ${alpha}`, folder: `${i + 1}-alpha` };
        return { ...names, command: "distill", plan: own, teacher: "teacher", ownTeacher: true };
      });
      const last = hops.at(-1) as Hop;
      return {
        hops,
        pairs: [{ title: "", student: last.title, against: "own baseline" }],
        deliver: (done) => ({ hop: done.at(-1) as FinishedHop, reason: "the last value" }),
      };
    },
  });
  try {
    const { summary } = await distill(recipe(strategy), { out: join(folder, "hops") });
    assert.equal(summary.strategy?.kind, "two-weights");
    assert.deepEqual(
      summary.strategy?.hops.map(({ title }) => title),
      ["alpha 0.2", "alpha 1"],
    );
    assert.deepEqual(summary.strategy?.delivered, { hop: "alpha 1", reason: "the last value" });
    await assert.rejects(
      distill(recipe(strategy, { none: true })),
      faultLike({ code: "teacher-missing", where: "teacher", found: ["the strategy two-weights needs one"] }),
    );
    await assert.rejects(
      sweep({ ...recipe(strategy), sweep: { grid: { seed: [0, 1] } } }),
      faultLike({ code: "option-conflict", where: "strategy.kind", found: ['"two-weights" is several runs'] }),
    );
  } finally {
    remove();
  }
  await assert.rejects(distill(recipe(strategy)), inRecipe("strategy.kind", "option-invalid"));
});

test("a strategy may run as a whole, without a teacher", async () => {
  const asked: string[] = [];
  const remove = registerStrategy({
    kind: "pretend",
    schema: () => z.strictObject({ kind: z.literal("pretend").describe("Nothing is trained") }),
    asksTeacher: () => false,
    async run(plan) {
      asked.push(plan.name);
      throw new Error("it pretends");
    },
  });
  try {
    await assert.rejects(distill(recipe({ kind: "pretend" }, { none: true })), /it pretends/);
    assert.deepEqual(asked, ["pair"]);
  } finally {
    remove();
  }
});
