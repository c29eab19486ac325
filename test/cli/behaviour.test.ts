/** What the command line does with wrong input, and what it writes where. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ErrorCode, Fault } from "../../src/base/errors.js";
import { writeModel } from "../../src/engine/graph/write.js";
import { limbeck, limbeckMany, type Outcome, SMALL, temporary } from "./support.js";

const { folder, remove } = temporary();
const DIGITS = resolve("recipes/digits.yaml");
const at = (name: string): string => join(folder, name);
after(remove);

writeFileSync(at("text.onnx"), "not a model at all");
writeFileSync(at("empty.onnx"), "");
writeFileSync(at("broken.yaml"), "data: [unclosed\nteacher: }");
writeFileSync(at("list.yaml"), "- 1\n- 2\n");
writeFileSync(at("typo.yaml"), readFileSync(DIGITS, "utf8").replace("alpha:", "alhpa:"));
writeFileSync(at("scalar.yaml"), "data: { source: digits }\n");
// y = x for 7 values: a model that is one, but not for the digits.
const value = (name: string) => ({ name, dtype: "float32" as const, shape: ["n", 7] });
const relu = { name: "r", op: "Relu", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} };
const graph = { name: "g", inputs: [value("x")], outputs: [value("y")], nodes: [relu], initializers: new Map() };
writeFileSync(at("seven.onnx"), writeModel({ graph, opsets: { "": 14 }, irVersion: 7, metadata: {} }));
const nan = { ...relu, op: "Log" };
writeFileSync(
  at("log.onnx"),
  writeModel({ graph: { ...graph, nodes: [nan] }, opsets: { "": 14 }, irVersion: 7, metadata: {} }),
);
writeFileSync(at("ragged.csv"), "1,2,3\n4,5\n");
writeFileSync(at("words.csv"), "a,b\n1,two\n");
writeFileSync(at("short.json"), "[1, 2, 3]");
writeFileSync(at("negative.json"), "[-1, -1, -1, -1, -1, -1, -1]");
writeFileSync(at("cut.png"), Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0]));
mkdirSync(at("full"));
writeFileSync(at("full/thing.txt"), "mine");

interface Wrong {
  readonly code?: ErrorCode;
  /** The end of it; of a recipe the field of a detail. */
  readonly where: string;
  /** A number or name in it. */
  readonly found?: string;
  readonly cure?: string;
}

const set = (...changes: string[]): string[] => changes.flatMap((change) => ["--set", change]);
const FLAG = "flag-invalid" as const;
const [BAD, MISSING, UNKNOWN] = ["option-invalid", "option-missing", "option-unknown"] as const;

/** Wrong input: exit code 2, and one error with these parts. */
const WRONG: readonly (readonly [readonly string[], Wrong])[] = [
  [["distil"], { code: FLAG, where: "", found: "unknown command 'distil'\n(Did you mean distill?)" }],
  [
    ["distill", "--sed", "3"],
    { code: FLAG, where: "", found: "unknown option '--sed'\n(Did you mean one of --seed, --set?)" },
  ],
  [["distill", "--device", "gpu"], { code: FLAG, where: "", found: "Allowed choices are cpu, webgpu" }],
  [["distill", "--threads", "two"], { code: FLAG, where: "--threads", found: '"two"' }],
  [["distill", "--seed", "-1"], { code: FLAG, where: "--seed", found: '"-1"' }],
  [["distill", at("no.yaml")], { code: "file-missing", where: "/no.yaml", cure: "limbeck init" }],
  [["distill", folder], { code: "file-is-folder", where: folder, found: "folder" }],
  [["distill", at("broken.yaml")], { code: "recipe-invalid", where: "/broken.yaml", found: "line 2, column 1" }],
  [["distill", at("list.yaml")], { code: "recipe-invalid", where: "/list.yaml", found: "a list of 2" }],
  [["distill", at("typo.yaml")], { code: UNKNOWN, where: "objective.alhpa", cure: '"alpha"' }],
  [["distill", at("scalar.yaml")], { code: MISSING, where: "student" }],
  [["train", DIGITS, ...set("training")], { code: FLAG, where: "--set", found: '"training"' }],
  [["train", DIGITS, ...set("training.batch=[1")], { code: FLAG, where: "--set training.batch", found: '"[1"' }],
  [["train", DIGITS, ...set("training.batch=many")], { code: BAD, where: "training.batch", found: '"many"' }],
  [["train", DIGITS, ...set("student.hiden=[3]")], { code: UNKNOWN, where: "student.hiden", cure: '"hidden"' }],
  [["train", DIGITS, ...set("name.first=x")], { code: FLAG, where: "--set name.first", found: '"name" is "digits"' }],
  [["train", DIGITS, ...set("data.labels=ignore", "transfer.labelled=all")], { where: "data", found: "no labels" }],
  [
    ["distill", DIGITS, ...set("teacher.file=x.onnx")],
    { code: "option-conflict", where: "teacher.file", found: "teacher.model" },
  ],
  [["distill", DIGITS, ...set("student={kind: resnet, depth: 9}")], { code: BAD, where: "student.depth", found: "9" }],
  [
    ["distill", DIGITS, ...set("student={kind: cnn, layers: [{dense: 8}, {conv: 8}]}")],
    { code: BAD, where: 'layer at "dense1/gemm"', found: "[batch, 8]", cure: "flatten" },
  ],
  [
    [
      ...["distill", DIGITS, ...set("variants=[]", "transfer.samples=labelled", "objective.alpha=0.5")],
      ...set("objective.student_loss.class_weights=[1, 2]"),
    ],
    { where: "objective.student_loss.class_weights", found: "2 weights" },
  ],
  [
    ["distill", DIGITS, ...set("variants=[]", "teacher={file: x.onnx}")],
    { code: "file-missing", where: `${folder}/x.onnx` },
  ],
  [
    ["distill", DIGITS, ...set("variants=[]", "teacher={file: text.onnx}")],
    { code: "file-type", where: "/text.onnx", found: "text" },
  ],
  [["distill", DIGITS, ...set("data.split.test=0")], { where: "data.split.test" }],
  [["train", DIGITS, "--out", at("full")], { where: "--out", found: at("full") }],
  [["train", DIGITS, "--out", at("short.json")], { where: "--out", found: at("short.json") }],
  [["train", DIGITS, "--out", at("short.json/run")], { where: "--out", found: at("short.json/run") }],
  [["train", DIGITS, "--resume", at("full")], { where: "--resume", found: at("full") }],
  [["train", DIGITS, "--model", "both"], { code: FLAG, where: "", found: "Allowed choices are student, teacher" }],
  [["train", DIGITS, "--model", "teacher", ...set("teacher={file: x.onnx}")], { where: "teacher" }],
  [["label", DIGITS, ...set("teacher={file: x.onnx}"), "--out", at("a")], { code: "file-missing", where: "/x.onnx" }],
  [["label", DIGITS, ...set("teacher={label_store: x}"), "--out", at("b")], { where: "teacher.label_store" }],
  [["inspect", at("text.onnx")], { code: "file-type", where: "/text.onnx", found: "text" }],
  [["inspect", at("empty.onnx")], { code: "file-damaged", where: "/empty.onnx", found: "empty" }],
  [["inspect", folder], { code: "file-is-folder", where: folder, found: "folder" }],
  [["inspect", at("no.onnx")], { code: "file-missing", where: "/no.onnx" }],
  [["evaluate", at("seven.onnx")], { code: MISSING, where: "--data" }],
  [["evaluate", at("seven.onnx"), "--data", DIGITS], { where: "/seven.onnx", found: '"x" is [n, 7]' }],
  [["evaluate", at("no.onnx"), "--data", DIGITS], { code: "file-missing", where: "/no.onnx" }],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--corruptions", "contrast,rotate"],
    { code: FLAG, where: "--corruptions", found: '"rotate"', cure: '"rotation"' },
  ],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--reference", at("seven.onnx")],
    { code: "option-conflict", where: "--reference", cure: "--robustness" },
  ],
  // Told before the model itself, which does not fit the data.
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--robustness", "--reference", at("no.onnx")],
    { code: "file-missing", where: "--reference", found: "no.onnx" },
  ],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--teacher", at("no.onnx")],
    { code: "file-missing", where: "--teacher", found: "no.onnx" },
  ],
  [
    ["distill", DIGITS, ...set("variants=[]", "evaluation.robustness={corruptions: [fog]}")],
    { code: BAD, where: "evaluation.robustness.corruptions.0", found: '"fog"' },
  ],
  [["evaluate", at("full")], { code: "run-missing", where: "/full" }],
  [["export", at("full")], { code: "run-missing", where: "/full" }],
  [["predict", at("seven.onnx")], { code: FLAG, where: "", found: "missing required argument 'files'" }],
  [["predict", at("seven.onnx"), at("no.npy")], { where: "/no.npy" }],
  [["predict", at("seven.onnx"), at("short.json")], { where: "/short.json", found: "3 values" }],
  [["predict", at("seven.onnx"), at("ragged.csv")], { where: "/ragged.csv", found: "3 columns" }],
  [["predict", at("seven.onnx"), at("words.csv")], { where: "/words.csv", found: "2 columns" }],
  [["predict", at("seven.onnx"), at("cut.png")], { where: "/cut.png" }],
  [["predict", at("seven.onnx"), at("typo.yaml")], { where: "/typo.yaml", found: '".yaml"' }],
  [["predict", at("seven.onnx"), at("short.json"), "--scale", "big"], { code: FLAG, where: "--scale", found: '"big"' }],
  [["init", at("typo.yaml")], { where: "/typo.yaml" }],
  [["init", at("short.json/x.yaml")], { where: "/x.yaml" }],
  [
    ["init", at("x.yaml"), "--data", "video"],
    { code: FLAG, where: "", found: "Allowed choices are digits, idx, table" },
  ],
  [["runs", at("nowhere")], { where: "/nowhere" }],
  [["runs", at("short.json")], { where: "/short.json" }],
];

/** What --json prints of a failure. */
interface Failure extends Fault {
  readonly exitCode: number;
  readonly message: string;
}

describe("wrong input: exit 2, one error on stderr, its parts with --json", () => {
  let outcomes: Outcome[] = [];
  before(async () => {
    outcomes = await limbeckMany(
      WRONG.map(([args]) => [...args, "--json"]),
      { cwd: folder },
    );
  });
  for (const [i, [args, wrong]] of WRONG.entries()) {
    const shown = args.map((a) => a.replace(`${folder}/`, "").replace(DIGITS, "digits.yaml")).join(" ");
    test(shown, () => {
      const { code, stdout, stderr } = outcomes[i] as Outcome;
      assert.equal(code, 2, stderr);
      const { exitCode, message, ...fault } = JSON.parse(stdout).error as Failure;
      assert.equal(exitCode, 2);
      assert.ok(stderr.includes(`error: ${message}`), "stderr says the same");
      assert.doesNotMatch(stderr, /^ +at .*\.js:\d+/m, "a stack trace is not for users");
      // Of a recipe's fields one is meant.
      const parts = fault.details?.find((d) => d.where === wrong.where) ?? fault;
      assert.ok(parts.where === wrong.where || (wrong.where !== "" && parts.where.endsWith(wrong.where)), parts.where);
      if (wrong.code) assert.equal(parts.code, wrong.code);
      assert.ok(parts.found.includes(wrong.found ?? ""), parts.found);
      assert.ok((parts.cure ?? "").includes(wrong.cure ?? ""), parts.cure);
      if (wrong.code && parts.code !== FLAG) assert.ok(parts.expected || parts.cure, `no way out: ${message}`);
    });
  }
  test("nothing is left of a run that wrong input ended before it began", () => {
    assert.deepEqual(existsSync(at("runs")) ? readdirSync(at("runs")) : [], []);
    assert.ok(!existsSync(at("a")) || readdirSync(at("a")).length === 0);
  });
  test("a process of its own ends the same way, with nothing on stdout", async () => {
    const { code, stdout, stderr } = await limbeck(["distill", at("no.yaml")], { cwd: folder });
    assert.deepEqual([code, stdout], [2, ""]);
    const asked = outcomes[WRONG.findIndex(([args]) => args[1] === at("no.yaml"))] as Outcome;
    assert.equal(stderr, asked.stderr);
  });
});

test("a run that fails exits with 1", async () => {
  const { code, stdout, stderr } = await limbeck(["predict", at("log.onnx"), at("negative.json")]);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^error: .*log\.onnx: it answers NaN for sample 0;/m);
});

test("--json keeps stdout for the document, also when there is an error", async () => {
  const { code, stdout, stderr } = await limbeck(["train", DIGITS, ...SMALL, "--json", "--out", at("full")]);
  assert.equal(code, 2);
  const { error } = JSON.parse(stdout) as { error: Failure };
  assert.ok(stderr.endsWith(`error: ${error.message}\n`));
  assert.deepEqual([error.exitCode, error.where], [2, "--out"]);
  const flag = await limbeck(["train", DIGITS, "--json", "--sed", "3"]);
  const { error: unknown } = JSON.parse(flag.stdout) as { error: Failure };
  assert.deepEqual([unknown.exitCode, unknown.code, unknown.where], [2, "flag-invalid", ""]);
  assert.match(unknown.message, /^unknown option '--sed'/);
  const failed = await limbeck(["predict", at("log.onnx"), at("negative.json"), "--json"]);
  assert.deepEqual([failed.code, JSON.parse(failed.stdout).error.exitCode], [1, 1]);
  const fields = await limbeck(["train", at("typo.yaml"), "--set", "seeds=0", "--json"]);
  const { error: recipe } = JSON.parse(fields.stdout) as { error: Failure };
  assert.deepEqual(
    recipe.details?.map((d) => [d.code, d.where]),
    [
      [BAD, "seeds"],
      [UNKNOWN, "objective.alhpa"],
    ],
  );
  assert.deepEqual([recipe.exitCode, recipe.code, recipe.where], [2, "recipe-invalid", at("typo.yaml")]);
});

test("progress goes to stderr, the result to stdout, --quiet leaves only the result", async () => {
  const args = ["train", DIGITS, ...SMALL, "--set", "training.steps=20"];
  const loud = await limbeck([...args, "--out", at("loud")]);
  assert.equal(loud.code, 0, loud.stderr);
  assert.match(loud.stderr, /Training the student of digits/);
  assert.match(loud.stderr, /2 training runs: 40\/40/);
  assert.match(loud.stdout, /^model +parameters/);
  assert.doesNotMatch(loud.stdout, /Training the|steps\/s/);
  const quiet = await limbeck([...args, "--out", at("quiet"), "--quiet"]);
  assert.equal(quiet.stderr, "");
  const figures = (text: string) =>
    text
      .split("\n")
      .find((l) => l.startsWith("student"))
      ?.split(/ {2,}/)
      .slice(0, 4);
  assert.deepEqual(figures(quiet.stdout), figures(loud.stdout));
});

test("no colours and no cursor codes where there is no terminal", async () => {
  const environments: Record<string, string>[] = [{ NO_COLOR: "1" }, { NO_COLOR: "", TERM: "xterm-256color" }];
  for (const env of environments) {
    const { stdout, stderr } = await limbeck(["runs", at("nowhere")], { env });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
    assert.doesNotMatch(stdout + stderr, /\u001b/);
  }
});

test("--device webgpu is refused before anything is written, where there is none", async (t) => {
  const args = ["train", DIGITS, ...SMALL, "--device", "webgpu", "--out", at("gpu"), "-q"];
  const { code, stderr } = await limbeck(args, {
    env: { VK_ICD_FILENAMES: at("no-driver.json"), LD_LIBRARY_PATH: "" },
  });
  if (code === 0) return t.skip("this machine has WebGPU");
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^error: --device: no graphics adapter .+ use the device cpu$/m);
  assert.throws(() => readFileSync(at("gpu/state.json")));
});

test("every command's help teaches by examples; --help lists them; --version is the package's", async () => {
  const commands = ["distill", "train", "label", "evaluate", "export", "init", "inspect", "predict", "runs"];
  const lines = [["--help"], ["--version"], ...commands.map((name) => [name, "--help"])];
  const [all, version, ...each] = (await limbeckMany(lines)) as [Outcome, Outcome, ...Outcome[]];
  for (const [i, name] of commands.entries()) {
    const { code, stdout, stderr } = each[i] as Outcome;
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`Usage: limbeck ${name} `));
    assert.match(stdout, new RegExp(`Examples?:\\n +limbeck ${name}`));
    assert.match(all.stdout, new RegExp(`^ +${name} `, "m"));
  }
  const found = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(version.stdout, `${found.version}\n`);
});
