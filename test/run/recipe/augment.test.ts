/** Random views in a recipe: defaults, errors that teach, and a training that sees them. */
import assert from "node:assert/strict";
import { parseRecipe, planOf } from "../../../src/run/recipe/load.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkAugmentation } from "../../../src/learn/data/augment/check.js";
import type { Augmentation } from "../../../src/learn/data/augment/config.js";
import type { ErrorCode } from "../../../src/base/errors.js";
import { distill } from "../../../src/index.js";
import { settingsOf } from "../../../src/run/recipe/resolve.js";
import { inRecipe } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-augment-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipeWith = (augment: unknown) => ({
  name: "views",
  data: { source: "digits" as const, limit: 300 },
  teacher: { model: { kind: "mlp" as const, hidden: [8] }, training: { steps: 6, augment: augment as object } },
  student: { kind: "mlp" as const, hidden: [4] },
  baseline: false,
  training: { steps: 4 },
});

function viewsOf(augment: unknown): Augmentation | null {
  const { teacher } = planOf(recipeWith(augment));
  assert.ok("training" in teacher);
  return settingsOf(teacher.training, 300, 0, { threads: 1, device: "cpu" }).augmentation;
}

test("options become the configuration that draws views, defaults filled in", () => {
  assert.equal(viewsOf({}), null, "nothing asked for, nothing random");
  assert.equal(viewsOf({ flip: false, shift: 0, noise: 0 }), null);
  assert.deepEqual(viewsOf({ flip: true }), { flip: true, shift: 0 });
  assert.deepEqual(viewsOf({ crop: {}, colour: { brightness: 0.2 }, randaugment: {}, mixup: {}, cutmix: {} }), {
    flip: false,
    shift: 0,
    crop: { area: [0.6, 1], ratio: [0.75, 4 / 3] },
    colour: { brightness: 0.2, contrast: 0, saturation: 0, hue: 0 },
    randaugment: { ops: 2, magnitude: 5 },
    mixup: { alpha: 0.2 },
    cutmix: { alpha: 1 },
  });
});

test("values out of their span are refused by name", () => {
  const refused = (augment: unknown, field: string, found: RegExp, code: ErrorCode = "option-invalid"): void =>
    assert.throws(() => viewsOf(augment), inRecipe(`teacher.training.augment.${field}`, code, found));
  refused({ scale: [1.2, 0.8] }, "scale", /list of 2/);
  refused({ crop: { area: [0.5, 1.5] } }, "crop.area.1", /1\.5/);
  refused({ crop: { ratio: [1.1, 2] } }, "crop.ratio", /list of 2/);
  refused({ colour: { hue: 0.7 } }, "colour.hue", /0\.7/);
  refused({ color: { hue: 0.1 } }, "color", /unknown/, "option-unknown");
  refused({ randaugment: { ops: 9 } }, "randaugment.ops", /9/);
  refused({ randaugment: { magnitude: 11 } }, "randaugment.magnitude", /11/);
  refused({ mixup: { alpha: 0 } }, "mixup.alpha", /0/);
  refused({ rotate: 200 }, "rotate", /200/);
});

test("views that do not go with the data are refused: field, found, expected, what to do", () => {
  const refused = (config: Augmentation, shape: number[], field: string, fault: object): void => {
    const where = `training.augment.${field}`;
    assert.throws(() => checkAugmentation(config, shape, "training.augment"), { name: "InputError", where, ...fault });
  };
  const [BAD, CONFLICT] = ["option-invalid", "option-conflict"];
  refused({ crop: { area: [0.5, 1], ratio: [1, 1] } }, [16], "crop", {
    code: CONFLICT,
    found: /\[16\]/,
    expected: /images/,
  });
  refused({ cutmix: { alpha: 1 } }, [16], "cutmix", { code: CONFLICT, cure: /mixup/ });
  refused({ cutout: 9 }, [1, 8, 10], "cutout", { code: BAD, found: /9.* 8 by 10/, expected: /at most 8/ });
  refused({ shift: 8 }, [1, 8, 10], "shift", { code: BAD, found: /8/, expected: /less than 8/ });
  refused({ colour: { hue: 0.1 } }, [1, 8, 8], "colour.hue", {
    code: CONFLICT,
    found: /0\.1.* 1 channel/,
    expected: /3 channels/,
  });
  refused({ colour: { saturation: 0.5 } }, [4, 8, 8], "colour.saturation", {
    code: CONFLICT,
    found: /0\.5.* 4 channels/,
    expected: /3 channels/,
  });
  checkAugmentation({ mixup: { alpha: 1 } }, [16], "training.augment");
  checkAugmentation({ cutout: 8, shift: 7, colour: { brightness: 1, contrast: 1 } }, [1, 8, 8], "training.augment");
  checkAugmentation({ colour: { hue: 0.5 }, rotate: 180 }, [3, 8, 8], "training.augment");
});

test("a recipe's teachers are checked before anything is trained", async () => {
  const run = (augment: unknown) => distill(parseRecipe(recipeWith(augment)), { out: join(folder, "no") });
  await assert.rejects(run({ colour: { hue: 0.2 } }), { where: "teacher.training.augment.colour.hue", found: /0\.2/ });
  await assert.rejects(run({ cutout: 12 }), { where: "teacher.training.augment.cutout", found: /12.* 8 by 8/ });
});

test("a teacher trained on every kind of view is another than one trained on the images", async () => {
  const augment = {
    shift: 1,
    crop: {},
    rotate: 10,
    scale: [0.9, 1.1],
    colour: { brightness: 0.2, contrast: 0.2 },
    noise: 0.05,
    blur: 0.5,
    cutout: 2,
    randaugment: { ops: 1, magnitude: 3 },
  };
  const accuracies: (number | undefined)[] = [];
  const losses: (number | undefined)[] = [];
  for (const [name, views] of [
    ["all", augment],
    ["again", augment],
    ["none", {}],
  ] as const) {
    const recipe = parseRecipe(recipeWith(views));
    const { summary } = await distill(recipe, { out: join(folder, name), threads: 1 });
    const teacher = summary.models.find((m) => m.role === "teacher");
    accuracies.push(teacher?.accuracy?.mean);
    losses.push(teacher?.nll?.mean);
  }
  assert.equal(losses[0], losses[1], "the same seed, the same views");
  assert.notEqual(losses[0], losses[2]);
  assert.ok(accuracies.every((a) => a !== undefined && a > 0));
});
