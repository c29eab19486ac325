/** The combinations that a sweep tries: every grid point with every random draw, each a recipe of its own. */
import { InputError } from "../../base/errors.js";
import type { SweepField } from "../../learn/evaluate/sweep.js";
import { Random } from "../../engine/random/random.js";
import { parseChanged, recipeOf, withChanges } from "../../run/recipe/load.js";
import type { Plan, Recipe, RecipeInput, SweepPlan } from "../../run/recipe/schema/schema.js";
import { overrideOf } from "../../run/recipe/sweep-flags.js";
import { type DrawRange, parseRange } from "../../run/recipe/schema/sweep-schema.js";
import { maskSecrets } from "../../base/secrets.js";

export interface Combination {
  /** Values by path, without secrets: `recipe` has those. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly set: readonly string[];
  /** "objective.alpha=0.5 training.batch=32". */
  readonly title: string;
  readonly plan: Plan;
}

/** What cannot differ between trainings whose scores are compared, or does not change them. */
const FIXED = /^(data|seeds?|name|description|variants|evaluation|export|strategy|sweep|baseline)(\.|$)/;
const MOST = 10_000;

/**
 * @param input the recipe as written: a value that changes a `kind` must not meet the defaults of another
 * @param recipe the same with its defaults
 * @returns the swept fields, and the combinations without repetition in the order of the grid
 * @throws InputError naming the field when one does not exist, takes no such value, or cannot be swept
 */
export function combinationsOf(input: RecipeInput, plan: Plan): { fields: SweepField[]; combinations: Combination[] } {
  const { sweep = { grid: {}, random: {}, draws: 1, seed: 0 } } = plan;
  const [grid, random] = [Object.entries(sweep.grid), Object.entries(sweep.random)];
  if (grid.length + random.length === 0)
    throw new InputError({
      code: "option-missing",
      where: "sweep",
      found: "no field is swept",
      cure: "Give sweep.grid in the recipe, or --grid objective.alpha=0.5,0.9",
    });
  for (const [path] of [...grid, ...random]) checkPath(path, sweep);
  const points = grid.reduce((n, [, values]) => n * values.length, 1) * (random.length > 0 ? sweep.draws : 1);
  if (points > MOST)
    throw new InputError({
      code: "budget-invalid",
      where: "sweep",
      found: `the values make ${points} combinations`,
      expected: `at most ${MOST}`,
      cure: "Give fewer values, or draw at random",
    });
  const drawn = random.map(([path, from]): [string, unknown[]] => [path, draw(path, from, sweep)]);
  const draws = Array.from({ length: random.length > 0 ? sweep.draws : 1 }, (_, i) =>
    Object.fromEntries(drawn.map(([path, values]) => [path, values[i]])),
  );
  const all = product(grid).flatMap((point) => draws.map((own) => ({ ...point, ...own })));
  const distinct = new Map(all.map((values) => [JSON.stringify(values), values]));
  const recipeWith = changerOf(
    input,
    plan,
    [...grid, ...random].map(([path]) => path),
  );
  return {
    fields: fieldsOf(sweep, new Map(drawn)),
    combinations: [...distinct.values()].map((given) => {
      const values = maskSecrets(given);
      const set = Object.entries(values).map(([path, value]) => overrideOf(path, value));
      const title = set.join(" ");
      return { values, set, title, plan: recipeWith(given, `sweep ${title}`) };
    }),
  };
}

/** Changes fields of the recipe as written, or where that lacks too much, of the one with its defaults. */
function changerOf(input: RecipeInput, plan: Plan, paths: readonly string[]) {
  const written = structuredClone({ ...input, sweep: undefined }) as Record<string, unknown>;
  const whole = recipeOf(plan);
  for (const path of paths) addKinds(written, whole, path.split(".").slice(0, -1));
  return (values: Readonly<Record<string, unknown>>, source: string): Plan => {
    try {
      return parseChanged(written, values, source);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return withChanges({ ...plan, sweep: undefined }, values, source);
    }
  };
}

/** A mapping that the recipe leaves to its default, but that a swept field lies in, needs the default's kind. */
function addKinds(written: Record<string, unknown>, recipe: Recipe, keys: readonly string[]): void {
  let [at, full]: [unknown, unknown] = [written, recipe];
  for (const key of keys) {
    if (!isMapping(at) || !isMapping(full)) return;
    const inner = full[key];
    if (at[key] === undefined && isMapping(inner)) at[key] = "kind" in inner ? { kind: inner.kind } : {};
    [at, full] = [at[key], inner];
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function checkPath(path: string, { grid, random }: SweepPlan): void {
  if (path in grid && path in random)
    throw new InputError({
      code: "option-conflict",
      where: `sweep.random.${path}`,
      found: "this field is in sweep.grid too",
      cure: "Remove it from one of them",
    });
  if (FIXED.test(path))
    throw new InputError({
      code: "option-conflict",
      where: `sweep ${path}`,
      found: "this field cannot be swept, because scores are compared on the same data and seeds",
      cure: "Sweep over fields of the student, the objective or the training",
    });
  const other = [...Object.keys(grid), ...Object.keys(random)].find((p) => path.startsWith(`${p}.`));
  if (other)
    throw new InputError({
      code: "option-conflict",
      where: `sweep ${path}`,
      found: `it lies inside ${other}, which is swept too`,
      cure: "Remove one of them",
    });
}

/** Every value of every field with every other, the last field fastest. */
function product(grid: readonly (readonly [string, readonly unknown[]])[]): Record<string, unknown>[] {
  return grid.reduce<Record<string, unknown>[]>(
    (points, [path, values]) => points.flatMap((point) => values.map((value) => ({ ...point, [path]: value }))),
    [{}],
  );
}

/** The draws of one field: they do not depend on the other fields, nor on how many there are. */
function draw(path: string, from: string | readonly unknown[], { draws, seed }: SweepPlan): unknown[] {
  const numbers = new Random(seed, `sweep ${path}`);
  const range = typeof from === "string" ? parseRange(from) : null;
  return Array.from({ length: draws }, (_, i) => {
    const u = numbers.uniform(i);
    return range ? inRange(range, u) : (from as readonly unknown[])[Math.floor(u * from.length)];
  });
}

/** @param u in [0, 1) */
function inRange({ distribution, low, high }: DrawRange, u: number): number {
  if (distribution === "int") return low + Math.floor(u * (high - low + 1));
  // Whole numbers own the interval up to the next one, also the last.
  if (distribution === "log-int") return Math.min(high, Math.floor(low * ((high + 1) / low) ** u));
  const value = distribution === "log" ? low * (high / low) ** u : low + u * (high - low);
  // Four digits: what is printed is what was trained.
  return Math.min(high, Math.max(low, Number(value.toPrecision(4))));
}

function fieldsOf({ grid, random }: SweepPlan, drawn: ReadonlyMap<string, unknown[]>): SweepField[] {
  const fields = [
    ...Object.entries(grid).map(([path, values]): SweepField => ({ path, kind: "grid", range: null, values })),
    ...Object.entries(random).map(
      ([path, from]): SweepField => ({
        path,
        kind: "random",
        range: typeof from === "string" ? from : null,
        values: typeof from === "string" ? (drawn.get(path) ?? []) : from,
      }),
    ),
  ];
  return fields.map((field) => ({ ...field, values: maskSecrets({ [field.path]: field.values })[field.path] ?? [] }));
}
