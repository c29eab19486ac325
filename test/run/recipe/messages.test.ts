/** Every kind of mistake in a recipe: a code, the field, what was found, what was expected, and what to do where that can be guessed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ErrorCode, InputError, loadRecipe, parseRecipe } from "../../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-messages-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe = {
  name: "messages",
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 3 } },
  student: { kind: "mlp", hidden: [16] },
  training: { epochs: 3 },
};

/** Code and field; then what found, expected and cure hold, "" where there is none. */
type Expected = readonly [ErrorCode, string, string, string?, string?];

const file = "teacher.onnx";
const [BAD, MISSING, UNKNOWN, CONFLICT] = [
  "option-invalid",
  "option-missing",
  "option-unknown",
  "option-conflict",
] as const;
const TEACHERS = "model and training, file, label_store, url and answers or group";
const LAYER = "conv, kernel, stride, padding, dilation, groups, bias, batch_norm, activation";
const layers = (...list: object[]) => ({ teacher: { model: { kind: "cnn", layers: list }, training: { epochs: 3 } } });

/** Changes of a valid recipe, and the details they are refused with. */
const mistakes: [Record<string, unknown>, ...Expected[]][] = [
  // Too big, too small, of the wrong type.
  [{ objective: { alpha: 1.5 } }, [BAD, "objective.alpha", "1.5", "a number from 0 to 1", ""]],
  [{ seeds: 0 }, [BAD, "seeds", "0", "a whole number of at least 1", ""]],
  [{ seeds: 2.5 }, [BAD, "seeds", "2.5", "a whole number of at least 1", ""]],
  [{ seeds: 1e99 }, [BAD, "seeds", "1e+99, which is too large", "", ""]],
  [{ training: { epochs: 0 } }, [BAD, "training.epochs", "0", "a number above 0", ""]],
  [{ training: { epochs: 3, ema: { decay: 1 } } }, [BAD, "training.ema.decay", "1", "from 0 to below 1", ""]],
  [{ training: { steps: "10" } }, [BAD, "training.steps", '"10"', "a whole number", "without quotes: 10"]],
  [{ name: 3 }, [BAD, "name", "3", "text", 'with quotes: "3"']],
  [{ teacher: { file: "" } }, [BAD, "teacher.file", '""', "text that is not empty", ""]],
  [{ baseline: "no" }, [BAD, "baseline", '"no"', "true or false", "Write false"]],
  [{ student: { kind: "mlp", hidden: 16 } }, [BAD, "student.hidden", "16", "a list, each a whole", "hidden: [16]"]],
  [{ teacher: { file, classes: ["one"] } }, [BAD, "teacher.classes", "a list of 1", "a list of at least 2", ""]],
  [
    { objective: { terms: [{ kind: "fitnet", layers: [] }] } },
    [BAD, "objective.terms.0.layers", "an empty list", "each a mapping with the fields student, teacher", ""],
  ],
  [{ variants: {} }, [BAD, "variants", "a mapping", "each a mapping with the fields name, set", "a list: a dash"]],
  [
    { training: { epochs: 3, schedule: 0.1 } },
    [BAD, "training.schedule", "0.1", "a mapping with kind: constant, cosine, step or one-cycle", ""],
  ],
  // Missing.
  [{ data: { source: "table" } }, [MISSING, "data.path", "missing", "text", ""]],
  [{ data: {} }, [MISSING, "data.source", "missing", "digits, idx, table, npy, npz or images", ""]],
  [{ training: {} }, [MISSING, "training.epochs", "neither epochs nor steps", "", "Give one"]],
  // Two that exclude each other.
  [{ training: { epochs: 3, steps: 3 } }, [CONFLICT, "training.epochs", "both", "", "only one"]],
  [
    { objective: { alpha: 0.5, weights: { student: 1, distillation: 1 } } },
    [CONFLICT, "objective.weights", "alpha and weights", "", "only one"],
  ],
  // Values of which only some go, unions.
  [{ transfer: { samples: "everything" } }, [BAD, "transfer.samples", '"everything"', "labelled or all", ""]],
  [{ transfer: { samples: "labeled" } }, [BAD, "transfer.samples", '"labeled"', "labelled or all", '"labelled"']],
  [{ transfer: { labelled: 0 } }, [BAD, "transfer.labelled", "0", "all or a whole number of at least 1", ""]],
  [{ student: { kind: "resnet", depth: 19 } }, [BAD, "student.depth", "19", "8, 14, 20, 32 or 56", ""]],
  [
    { teacher: { file, normalise: "bytes" } },
    [BAD, "teacher.normalise", '"bytes"', "auto, data, none, unit or a mapping with the fields mean, std, scale", ""],
  ],
  [{ student: { kind: "mlpp" } }, [BAD, "student.kind", '"mlpp"', "mlp, cnn", '"mlp"']],
  [{ teacher: {} }, [BAD, "teacher", "an empty mapping", TEACHERS, ""]],
  [{ teacher: file }, [BAD, "teacher", '"teacher.onnx"', TEACHERS, "teacher: { file: teacher.onnx }"]],
  [
    { strategy: "assistants" },
    [BAD, "strategy", '"assistants"', "one-shot, assistants, born-again", "strategy: { kind: assistants, ... }"],
  ],
  [
    { student: { kind: "cnn", layers: [{ convolution: 8 }] } },
    [BAD, "student.layers.0", "a mapping with convolution", "conv, max_pool, average_pool, dense, dropout", ""],
  ],
  // Unknown fields.
  [{ training: { epochs: 3, optimiser: {} } }, [UNKNOWN, "training.optimiser", "unknown key", "", '"optimizer"']],
  [{ export: { opset: 13 } }, [UNKNOWN, "export.opset", "unknown key", "one of raw", ""]],
  [{ zzzzzzzzzz: 13 }, [UNKNOWN, "zzzzzzzzzz", "unknown key", "", "limbeck init"]],
  [{ teacher: { file, train_on: "all" } }, [CONFLICT, "teacher.train_on", "with teacher.file", "", "Remove one"]],
  // Deep inside one kind of teacher, however often.
  [layers({ conv: 16, size: 3 }), [UNKNOWN, "teacher.model.layers.0.size", "unknown key", `one of ${LAYER}`, ""]],
  [
    layers({ conv: 16, size: 3 }, { conv: 16, size: 3, kernal: 5 }, { dense: 3, unit: 1 }),
    [UNKNOWN, "teacher.model.layers.0.size", "unknown key", `one of ${LAYER}`, ""],
    [UNKNOWN, "teacher.model.layers.1.size", "unknown key", `one of ${LAYER}`, ""],
    [UNKNOWN, "teacher.model.layers.1.kernal", "unknown key", "", '"kernel"'],
    [UNKNOWN, "teacher.model.layers.2.unit", "unknown key", "one of dense, bias, batch_norm, activation", ""],
  ],
  [
    {
      teacher: {
        model: { kind: "mlp", hidden: [0, 0, 0] },
        training: { epochs: 0, batch: 0, optimiser: {} },
        files: 1,
      },
    },
    [BAD, "teacher.model.hidden.0", "0"],
    [BAD, "teacher.model.hidden.1", "0"],
    [BAD, "teacher.model.hidden.2", "0"],
    [BAD, "teacher.training.epochs", "0"],
    [BAD, "teacher.training.batch", "0"],
    [UNKNOWN, "teacher.training.optimiser", "unknown key", "", '"optimizer"'],
    [UNKNOWN, "teacher.files", "unknown key"],
  ],
  [
    { student: { kind: "cnn", layers: [{ max_pool: 2, strid: 2 }] } },
    [UNKNOWN, "student.layers.0.strid", "unknown key", "", '"stride"'],
  ],
  // What the schema's own words say.
  [{ name: "a/b" }, [BAD, "name", '"a/b"', "letters, digits, . _ - only", ""]],
  // Several at once.
  [
    { seeds: -1, objective: { alpha: true } },
    [BAD, "seeds", "-1", "a whole number of at least 1", ""],
    [BAD, "objective.alpha", "true", "a number from 0 to 1", ""],
  ],
  // Long values are cut, and nothing in them steers a terminal.
  [{ name: "x".repeat(5000) }, [BAD, "name", `"${"x".repeat(80)}"... (5,000 characters)`, "100 characters", ""]],
  [{ student: { kind: "\u001b[2J" } }, [BAD, "student.kind", '"\\u001b[2J"', "mlp, cnn", ""]],
  [{ ["y".repeat(5000)]: 1 }, [UNKNOWN, `${"y".repeat(80)}...`, "unknown key"]],
];

for (const [change, ...expected] of mistakes)
  test(`${JSON.stringify(change).slice(0, 100)} is told by field`, () => {
    const error = refusal(() => parseRecipe({ ...recipe, ...change } as never, "r.yaml"));
    assert.deepEqual([error.code, error.where], ["recipe-invalid", "r.yaml"]);
    const details = error.details ?? [];
    assert.deepEqual(
      details.map((d) => [d.code, d.where]),
      expected.map(([code, where]) => [code, where]),
    );
    for (const [i, [, , found, wanted, cure]] of expected.entries()) {
      const detail = details[i];
      assert.ok(detail?.found.includes(found), detail?.found);
      holds(detail?.expected, wanted);
      holds(detail?.cure, cure);
      if (expected.length <= 5) assert.ok(error.message.includes(`${detail?.where}: ${detail?.found}`.slice(0, 80)));
    }
  });

/** Whether a part has these words; "" says that there is no such part. */
function holds(part: string | undefined, words: string | undefined): void {
  if (words === "") assert.equal(part, undefined);
  else if (words !== undefined) assert.ok(part?.includes(words), part);
}

function refusal(work: () => unknown): InputError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return error;
  }
  return assert.fail("not refused");
}

test("a message has a line for each of the first five problems; the details have all of them", () => {
  const { message, details } = refusal(() =>
    parseRecipe({ ...recipe, student: { kind: "mlp", hidden: Array(9).fill(0) } } as never, "r.yaml"),
  );
  assert.equal(details?.length, 9);
  assert.equal(message.split("\n").length, 7);
  assert.match(message, /^r\.yaml: 9 fields .*\n {2}student\.hidden\.0: .*\n {2}and 4 more$/s);
  const one = refusal(() => parseRecipe({ ...recipe, seeds: 0 }, "r.yaml")).message;
  assert.match(one, /^r\.yaml: seeds: found 0; .*$/);
});

const sound = "data: { source: digits }\nstudent: { kind: mlp, hidden: [16] }\ntraining: { epochs: 3 }\n";
/** What a file holds, the code, and what is found. */
const files: [string, string | Uint8Array, ErrorCode, RegExp, RegExp?][] = [
  ["a key twice", `${sound}seeds: 1\nname: a\nseeds: 2\n`, "recipe-invalid", /^line 6, column 1: .*"seeds"/, /Remove/],
  ["an open bracket", `${sound}variants: [a\n`, "recipe-invalid", /^line 5, column 1: /],
  ["a colon in a value", `${sound}description: a: b\n`, "recipe-invalid", /^line 4, column 14: /, /quotes/],
  ["a tab", `${sound}objective:\n\talpha: 1\n`, "recipe-invalid", /^line 5, column 1: /, /spaces/],
  ["two documents", `${sound}---\nseeds: 2\n`, "recipe-invalid", /^line 4, column 1: /, /---/],
  ["a tag", `${sound}name: !secret a\n`, "recipe-invalid", /^line 4, column 7: .*!secret/, /tag/],
  ["no anchor", `${sound}name: *none\n`, "recipe-invalid", /anchor/, /quotes/],
  ["nothing", "", "recipe-invalid", /nothing/, /limbeck init/],
  ["a list", "- data\n- student\n", "recipe-invalid", /a list of 2/, /limbeck init/],
  ["UTF-16", Buffer.from(`\ufeff${sound}`, "utf16le"), "encoding-invalid", /UTF-16/, /UTF-8/],
  ["Latin-1", Buffer.from(`${sound}name: caf\u00e9\n`, "latin1"), "encoding-invalid", /UTF-8/, /UTF-8/],
  ["a model", Uint8Array.of(8, 7, 18, 0, 0x80, 0xff, 0), "encoding-invalid", /UTF-8/],
  ["ten megabytes", Buffer.alloc(10 * 2 ** 20, "k: 1\n"), "file-type", /10\.0 MB/, /limbeck init/],
  ["a bomb", bomb(), "recipe-invalid", /anchors more than 1000 times/],
  ["brackets without end", "[".repeat(20_000), "recipe-invalid", /nested too deeply/],
];

/** Nine lines that stand for a billion values. */
function bomb(): string {
  const uses = (i: number): string => Array(10).fill(`*a${i}`).join(", ");
  return `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${uses(i)}]\n`).join("")}`;
}

for (const [what, content, code, found, cure = /./] of files)
  test(`a recipe file with ${what} is refused at once`, () => {
    const where = join(folder, "r.yaml");
    writeFileSync(where, content);
    const started = performance.now();
    assert.throws(() => loadRecipe(where), { name: "InputError", code, where, found, cure });
    assert.ok(performance.now() - started < 20_000);
  });

test("a recipe that is not there, or is a folder", () => {
  const where = join(folder, "none.yaml");
  assert.throws(() => loadRecipe(where), { code: "file-missing", where, cure: /limbeck init/ });
  assert.throws(() => loadRecipe(folder), { code: "file-is-folder", where: folder });
});

test("many keys and many uses of an anchor are read all the same", () => {
  const where = join(folder, "wide.yaml");
  const names = Array.from({ length: 10_000 }, (_, i) => `class number ${i}`);
  writeFileSync(
    where,
    `${sound.replace("digits }", `table, path: x.csv, label: y, classes: [${names.join(", ")}] }`)}`,
  );
  const { recipe: read } = loadRecipe(where);
  assert.equal((read.data as { classes?: unknown[] }).classes?.length, 10_000);
  writeFileSync(
    where,
    `${sound}variants:\n${Array.from({ length: 200 }, (_, i) => `  - { name: v${i}, set: ${i === 0 ? "&s " : "*s "}${i === 0 ? "{ seeds: 2 }" : ""} }\n`).join("")}`,
  );
  assert.equal(loadRecipe(where).recipe.variants?.length, 200);
});
