/** Every kind of mistake in a recipe is told as: field, what was found, what was expected, what to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError, parseRecipe } from "../../src/index.js";

const recipe = {
  name: "messages",
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 3 } },
  student: { kind: "mlp", hidden: [16] },
  training: { epochs: 3 },
};

const file = "teacher.onnx";
const CONV = "conv, kernel, stride, padding, dilation, groups, bias, batch_norm, activation";
/** A change of a valid recipe, and the lines it is refused with. */
const mistakes: [Record<string, unknown>, string][] = [
  // Too big, too small, of the wrong type.
  [{ objective: { alpha: 1.5 } }, "objective.alpha: found 1.5; expected a number from 0 to 1"],
  [{ seeds: 0 }, "seeds: found 0; expected a whole number of at least 1"],
  [{ seeds: 2.5 }, "seeds: found 2.5; expected a whole number of at least 1"],
  [{ seeds: 1e99 }, "seeds: found 1e+99, which is too large a number"],
  [{ training: { epochs: 0 } }, "training.epochs: found 0; expected a number above 0"],
  [{ training: { epochs: 3, ema: { decay: 1 } } }, "training.ema.decay: found 1; expected a number from 0 to below 1"],
  [
    { training: { steps: "10" } },
    'training.steps: found "10"; expected a whole number of at least 1; write it without quotes: 10',
  ],
  [{ name: 3 }, 'name: found 3; expected text; write it with quotes: "3"'],
  [{ teacher: { file: "" } }, 'teacher.file: found ""; expected text that is not empty'],
  [{ baseline: "no" }, 'baseline: found "no"; expected true or false; write false'],
  [
    { student: { kind: "mlp", hidden: 16 } },
    "student.hidden: found 16; expected a list, each a whole number of at least 1; write hidden: [16]",
  ],
  [
    { teacher: { file, classes: ["one"] } },
    "teacher.classes: found a list of 1; expected a list of at least 2, each text or a whole number of at least 0",
  ],
  [
    { objective: { terms: [{ kind: "fitnet", layers: [] }] } },
    "objective.terms.0.layers: found an empty list; expected a list of at least 1, each a mapping with the fields student, teacher",
  ],
  [
    { variants: {} },
    "variants: found a mapping; expected a list, each a mapping with the fields name, set; write a list: a dash before each entry",
  ],
  [
    { training: { epochs: 3, schedule: 0.1 } },
    "training.schedule: found 0.1; expected a mapping with kind: constant, cosine, step or one-cycle",
  ],
  // Missing.
  [{ data: { source: "table" } }, "data.path: missing; expected text"],
  [{ data: {} }, "data.source: missing; expected digits, idx, table, npy, npz or images"],
  // Values of which only some go, unions.
  [{ transfer: { samples: "everything" } }, 'transfer.samples: found "everything"; expected labelled or all'],
  [
    { transfer: { samples: "labeled" } },
    'transfer.samples: found "labeled"; expected labelled or all; did you mean "labelled"?',
  ],
  [{ transfer: { labelled: 0 } }, "transfer.labelled: found 0; expected all or a whole number of at least 1"],
  [{ student: { kind: "resnet", depth: 19 } }, "student.depth: found 19; expected 8, 14, 20, 32 or 56"],
  [
    { teacher: { file, normalise: "bytes" } },
    'teacher.normalise: found "bytes"; expected auto, data, none, unit or a mapping with the fields mean, std, scale',
  ],
  [{ student: { kind: "mlpp" } }, 'student.kind: found "mlpp"; did you mean "mlp"?'],
  [
    { teacher: {} },
    "teacher: found an empty mapping; expected a mapping with model and training, file, label_store, url and answers or group",
  ],
  [
    { teacher: file },
    'teacher: found "teacher.onnx"; expected a mapping with model and training, file, label_store, url and answers or group; write teacher: { file: teacher.onnx }',
  ],
  [
    { strategy: "assistants" },
    'strategy: found "assistants"; expected a mapping with kind: one-shot, assistants, born-again, teacher-free, ladder, mutual, consistent or noisy-student; write strategy: { kind: assistants, ... }',
  ],
  [
    { student: { kind: "cnn", layers: [{ convolution: 8 }] } },
    "student.layers.0: found a mapping with convolution; expected a mapping with conv, max_pool, average_pool, dense, dropout or activation",
  ],
  // Unknown fields.
  [{ training: { epochs: 3, optimiser: {} } }, 'training.optimiser: unknown key; did you mean "optimizer"?'],
  [{ export: { opset: 13 } }, "export.opset: unknown key; expected one of raw"],
  [
    { teacher: { file, train_on: "all" } },
    "teacher.train_on: this key does not go with teacher.file; take one of them out (docs/recipe.md says what goes together)",
  ],
  // Deep inside one kind of teacher, however often.
  [
    { teacher: { model: { kind: "cnn", layers: [{ conv: 16, size: 3 }] }, training: { epochs: 3 } } },
    `teacher.model.layers.0.size: unknown key; expected one of ${CONV}`,
  ],
  [
    {
      teacher: {
        model: {
          kind: "cnn",
          layers: [
            { conv: 16, size: 3 },
            { conv: 16, size: 3, kernal: 5 },
            { dense: 3, unit: 1 },
          ],
        },
        training: { epochs: 3 },
      },
    },
    `teacher.model.layers.0.size: unknown key; expected one of ${CONV}\n  teacher.model.layers.1.size: unknown key; expected one of ${CONV}\n  teacher.model.layers.1.kernal: unknown key; did you mean "kernel"?\n  teacher.model.layers.2.unit: unknown key; expected one of dense, bias, batch_norm, activation`,
  ],
  [
    {
      teacher: {
        model: { kind: "mlp", hidden: [0, 0, 0] },
        training: { epochs: 0, batch: 0, optimiser: {} },
        files: 1,
      },
    },
    "teacher.model.hidden.0: found 0; expected a whole number of at least 1\n  teacher.model.hidden.1: found 0; expected a whole number of at least 1\n  teacher.model.hidden.2: found 0; expected a whole number of at least 1\n  teacher.training.epochs: found 0; expected a number above 0\n  teacher.training.batch: found 0; expected a whole number of at least 1\n  and 2 more",
  ],
  [
    { student: { kind: "cnn", layers: [{ max_pool: 2, strid: 2 }] } },
    'student.layers.0.strid: unknown key; did you mean "stride"?',
  ],
  // What the schema's own words say.
  [{ name: "a/b" }, 'name: found "a/b"; expected letters, digits, . _ - only'],
  // Several at once.
  [
    { seeds: -1, objective: { alpha: true } },
    "seeds: found -1; expected a whole number of at least 1\n  objective.alpha: found true; expected a number from 0 to 1",
  ],
];

for (const [change, said] of mistakes)
  test(`${JSON.stringify(change)} is told in words`, () => {
    assert.throws(
      () => parseRecipe({ ...recipe, ...change } as unknown as Parameters<typeof parseRecipe>[0], "r.yaml"),
      (e) => {
        assert.ok(e instanceof InputError);
        assert.equal(e.message, `r.yaml: ${said}`);
        return true;
      },
    );
  });
