/** What the command line does with wrong input, and what it writes where. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { writeModel } from "../../src/graph/write.js";
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

/** Wrong input: exit code 2, nothing on stdout, one error that says all of this. */
const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [["distil"], /unknown command 'distil'\n\(Did you mean distill\?\)/],
  [["distill", "--sed", "3"], /unknown option '--sed'\n\(Did you mean one of --seed, --set\?\)/],
  [["distill", "--device", "gpu"], /--device.*Allowed choices are cpu, webgpu/],
  [["distill", "--threads", "two"], /--threads: expected a whole number of at least 0, found "two"/],
  [["distill", "--seed", "-1"], /--seed: expected a whole number/],
  [["distill", at("no.yaml")], /no\.yaml: no such recipe\. `limbeck init`/],
  [["distill", folder], /it is a folder; give a recipe file/],
  [["distill", at("broken.yaml")], /broken\.yaml: not valid YAML/],
  [["distill", at("list.yaml")], /list\.yaml: a recipe is a mapping of fields, found a list of 2/],
  [["distill", at("typo.yaml")], /typo\.yaml: objective\.alhpa: unknown key.* "alpha"/],
  [["distill", at("scalar.yaml")], /student: missing/],
  [["train", DIGITS, "--set", "training"], /--set: expected path=value/],
  [["train", DIGITS, "--set", "training.batch=[1"], /--set training\.batch: the value "\[1" is not valid YAML/],
  [
    ["train", DIGITS, "--set", "training.batch=many"],
    /training\.batch: found "many"; expected a whole number of at least 1/,
  ],
  [["train", DIGITS, "--set", "student.hiden=[3]"], /student\.hiden: unknown key.* "hidden"/],
  [["train", DIGITS, "--set", "name.first=x"], /--set name\.first: "name" is "digits", so it has no field of its own/],
  [["train", DIGITS, "--set", "data.labels=ignore", "--set", "transfer.labelled=all"], /data: it has no labels/],
  [["distill", DIGITS, "--set", "teacher.file=x.onnx"], /teacher\.file: this key does not go with teacher\.model;/],
  [
    ["distill", DIGITS, "--set", "student={kind: resnet, depth: 9}"],
    /student\.depth: found 9; expected 8, 14, 20, 32 or 56/,
  ],
  [["distill", DIGITS, "--set", "student={kind: cnn, layers: [{dense: 8}, {conv: 8}]}"], /a convolution takes images/],
  [
    [
      ...[
        "distill",
        DIGITS,
        "--set",
        "variants=[]",
        "--set",
        "transfer.samples=labelled",
        "--set",
        "objective.alpha=0.5",
      ],
      "--set",
      "objective.student_loss.class_weights=[1, 2]",
    ],
    /objective\.student_loss\.class_weights: 2 weights for 10 classes/,
  ],
  [
    ["distill", DIGITS, "--set", "variants=[]", "--set", "teacher={file: x.onnx}"],
    new RegExp(`error: ${folder}/x\\.onnx: no such file`),
  ],
  [
    ["distill", DIGITS, "--set", "variants=[]", "--set", "teacher={file: text.onnx}"],
    /text\.onnx: it is not an ONNX model/,
  ],
  [["distill", DIGITS, "--set", "data.split.test=0"], /data\.split\.test: no sample is left/],
  [["train", DIGITS, "--out", at("full")], /--out: .*full is not empty/],
  [["train", DIGITS, "--out", at("short.json")], /--out: .*short\.json is a file/],
  [["train", DIGITS, "--out", at("short.json/run")], /--out: the folder .* cannot be written to/],
  [["train", DIGITS, "--resume", at("full")], /--resume: .*full is not a run of limbeck/],
  [["train", DIGITS, "--model", "both"], /Allowed choices are student, teacher/],
  [["train", DIGITS, "--model", "teacher", "--set", "teacher={file: x.onnx}"], /not a model to train/],
  [["label", DIGITS, "--set", "teacher={file: x.onnx}", "--out", at("a")], /x\.onnx: no such file/],
  [["label", DIGITS, "--set", "teacher={label_store: x}", "--out", at("b")], /label store already/],
  [["inspect", at("text.onnx")], /text\.onnx: it is not an ONNX model/],
  [["inspect", at("empty.onnx")], /empty\.onnx: it is not an ONNX model: the file is empty/],
  [["inspect", folder], /it is a folder; give the path of an \.onnx model/],
  [["inspect", at("no.onnx")], /no\.onnx: no such file/],
  [["evaluate", at("seven.onnx")], /--data: missing; give the recipe file/],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS],
    /seven\.onnx: its input "x" is \[n, 7\], but a sample has 64 values/,
  ],
  [["evaluate", at("no.onnx"), "--data", DIGITS], /no\.onnx: no such file/],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--corruptions", "contrast,rotate"],
    /--corruptions: found "rotate"; did you mean "rotation"\? known are gaussian-noise, .*, pixelate/,
  ],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--reference", at("seven.onnx")],
    /--reference: it is the measure of errors under corruptions; give --robustness too/,
  ],
  // Told before the model itself, which does not fit the data.
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--robustness", "--reference", at("no.onnx")],
    /--reference: there is no file .*no\.onnx; give the path of an \.onnx model/,
  ],
  [
    ["evaluate", at("seven.onnx"), "--data", DIGITS, "--teacher", at("no.onnx")],
    /--teacher: there is no file .*no\.onnx; give the path of an \.onnx model/,
  ],
  [
    ["distill", DIGITS, "--set", "variants=[]", "--set", "evaluation.robustness={corruptions: [fog]}"],
    /evaluation\.robustness\.corruptions\.0: found "fog"; expected gaussian-noise, /,
  ],
  [["evaluate", at("full")], /full: it is not a run of limbeck/],
  [["export", at("full")], /full: it is not a run of limbeck/],
  [["predict", at("seven.onnx")], /missing required argument 'files'/],
  [["predict", at("seven.onnx"), at("no.npy")], /no\.npy: no such file/],
  [["predict", at("seven.onnx"), at("short.json")], /short\.json: it holds 3 values; the model takes 7 a sample/],
  [["predict", at("seven.onnx"), at("ragged.csv")], /ragged\.csv: line 2 has 2 columns, the first row has 3/],
  [["predict", at("seven.onnx"), at("words.csv")], /words\.csv: line 2, column 2 is "two"/],
  [["predict", at("seven.onnx"), at("cut.png")], /cut\.png: the model takes \[7\], no image/],
  [["predict", at("seven.onnx"), at("typo.yaml")], /typo\.yaml: the ending "\.yaml" is not known/],
  [["predict", at("seven.onnx"), at("short.json"), "--scale", "big"], /--scale: expected a number/],
  [["init", at("typo.yaml")], /typo\.yaml: it exists already and is not overwritten/],
  [["init", at("short.json/x.yaml")], /x\.yaml: it cannot be written/],
  [["init", at("x.yaml"), "--data", "video"], /Allowed choices are digits, idx, table/],
  [["runs", at("nowhere")], /nowhere: no such folder/],
  [["runs", at("short.json")], /short\.json: it is a file/],
];

describe("wrong input: exit 2, one error on stderr, nothing on stdout", () => {
  let outcomes: Outcome[] = [];
  before(async () => {
    outcomes = await limbeckMany(
      WRONG.map(([args]) => args),
      { cwd: folder },
    );
  });
  for (const [i, [args, message]] of WRONG.entries()) {
    const shown = args.map((a) => a.replace(`${folder}/`, "").replace(DIGITS, "digits.yaml")).join(" ");
    test(shown, () => {
      const { code, stdout, stderr } = outcomes[i] as Outcome;
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.match(stderr, /^error: /m);
      assert.doesNotMatch(stderr, /^ +at .*\.js:\d+/m, "a stack trace is not for users");
    });
  }
  test("nothing is left of a run that wrong input ended before it began", () => {
    assert.deepEqual(existsSync(at("runs")) ? readdirSync(at("runs")) : [], []);
    assert.ok(!existsSync(at("a")) || readdirSync(at("a")).length === 0);
  });
  test("a process of its own ends the same way", async () => {
    assert.deepEqual(await limbeck((WRONG[0] as (typeof WRONG)[0])[0], { cwd: folder }), outcomes[0]);
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
  assert.match(stderr, /^error: --out/);
  const { error } = JSON.parse(stdout) as { error: { exitCode: number; message: string } };
  assert.equal(`error: ${error.message}\n`, stderr);
  assert.equal(error.exitCode, 2);
  const flag = await limbeck(["train", DIGITS, "--json", "--sed", "3"]);
  assert.match(JSON.parse(flag.stdout).error.message, /^unknown option '--sed'/);
  const failed = await limbeck(["predict", at("log.onnx"), at("negative.json"), "--json"]);
  assert.deepEqual([failed.code, JSON.parse(failed.stdout).error.exitCode], [1, 1]);
});

test("progress goes to stderr, the result to stdout, --quiet leaves only the result", async () => {
  const args = ["train", DIGITS, ...SMALL, "--set", "training.steps=20"];
  const loud = await limbeck([...args, "--out", at("loud")]);
  assert.equal(loud.code, 0, loud.stderr);
  assert.match(loud.stderr, /Training the student of digits/);
  assert.match(loud.stderr, /2 trainings: 40\/40/);
  assert.match(loud.stdout, /^model +parameters/);
  assert.doesNotMatch(loud.stdout, /Training|steps\/s/);
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
