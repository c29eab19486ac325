/** `limbeck evaluate model.onnx --data recipe.yaml`, `limbeck evaluate <run>`. */
import type { ModelPlan, TeacherPlan } from "../run/recipe/schema/schema.js";
import { modelFileOf, teacherEntryOf } from "../run/teaching/registry.js";
import { spelledFields } from "../run/recipe/spelling.js";
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { InputError } from "../base/errors.js";
import { isImbalanced } from "../learn/evaluate/chance.js";
import type { ConfusedPairs } from "../learn/evaluate/class-counts.js";
import { CORRUPTION_NAMES } from "../learn/evaluate/robustness/corruptions.js";
import { nearestOf } from "../engine/graph/nearest.js";
import { noun } from "../base/noun.js";
import { quote } from "../base/quote.js";
import { type DataFile, loadDataFile } from "../run/recipe/data.js";
import type { RobustnessInput } from "../run/recipe/schema/robustness-schema.js";
import { referenceSentence, robustnessRows, whatWasMeasured } from "../learn/report/robustness-text.js";
import { formatBytes } from "../learn/report/terminal.js";
import {
  type EvaluateModelOptions,
  type Evaluation,
  evaluateModel,
  type Part,
} from "../app/commands/evaluate-model.js";
import { loadAudited } from "../run/folder/load-audited.js";
import type { ModelDescription } from "../run/teaching/open-model.js";
import { type OpenedRun, openRun } from "../run/folder/runs.js";
import { teacherOf, trainingOf } from "../run/folder/trainings.js";
import { aligned, atTerminal, columns } from "./command.js";
import { jsonFlag, quietFlag, setFlag, threadsFlag, wholeNumber } from "./flags.js";

interface EvaluateFlags {
  readonly data?: string;
  readonly teacher?: string;
  readonly part: Part;
  readonly topK: number;
  readonly latencyRuns: number;
  readonly normalise?: "data" | "none" | "unit";
  readonly layout?: "nchw" | "nhwc";
  readonly outputs?: "logits" | "probabilities";
  readonly output?: string;
  readonly robustness: boolean;
  readonly corruptions?: string;
  readonly reference?: string;
  readonly set: readonly string[];
  readonly threads: number;
  readonly json: boolean;
  readonly quiet: boolean;
}

const HELP = `
Layout, input size, a fixed batch size, the kind of outputs and limbeck's own normalisation are detected and printed. Flags
override them. A file that contains only data: { source: ... } is sufficient as a recipe.

Examples:
  limbeck evaluate runs/digits                                    the student of a run, compared with its teacher
  limbeck evaluate student.onnx --data recipe.yaml                on the recipe's test samples
  limbeck evaluate small.onnx --teacher big.onnx --data data.yaml agreement and soft KL
  limbeck evaluate resnet.onnx --data photos.yaml --normalise unit --layout nhwc --json
  limbeck evaluate runs/digits --robustness                       errors under 15 corruptions, relative to the teacher
  limbeck evaluate a.onnx --data data.yaml --corruptions contrast,shift --reference b.onnx`;

export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("evaluate any ONNX classifier: accuracy, calibration, agreement with a teacher, latency, size")
    .argument("<model>", ".onnx file, or the folder of a finished run")
    .addOption(new Option("-d, --data <recipe>", "recipe file whose data to evaluate on (default for a run: its own)"))
    .addOption(
      new Option("-t, --teacher <model>", "another .onnx file to compare with (default for a run: its own teacher)"),
    )
    .addOption(
      new Option("--part <part>", "which samples to use")
        .choices(["test", "validation", "train", "all"])
        .default("test"),
    )
    .addOption(new Option("--top-k <k>", "k for top-k accuracy").argParser(wholeNumber("--top-k", 1)).default(5))
    .addOption(
      new Option("--latency-runs <n>", "number of timed calls at batch size 1; 0 skips the measurement")
        .argParser(wholeNumber("--latency-runs", 0))
        .default(200),
    )
    .addOption(
      new Option(
        "--normalise <how>",
        "input the model expects: the data's normalisation, raw samples, or bytes / 255; by default, labelled training samples decide",
      ).choices(["data", "none", "unit"]),
    )
    .addOption(new Option("--layout <layout>", "order of image dimensions").choices(["nchw", "nhwc"]))
    .addOption(new Option("--outputs <kind>", "kind of output").choices(["logits", "probabilities"]))
    .addOption(new Option("--output <name>", "name of the output, if the model has several"))
    .addOption(
      new Option(
        "--robustness",
        "also measure errors under corruptions (docs/robustness.md): those of the recipe, or all 15",
      ).default(false),
    )
    .addOption(new Option("--corruptions <names>", "measure errors under these corruptions, separated by commas"))
    .addOption(
      new Option(
        "--reference <model>",
        "reference of mCE: .onnx file to compare errors under corruptions with (default: the teacher)",
      ),
    )
    .addOption(setFlag())
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText("after", HELP)
    .action((model: string, flags: EvaluateFlags) => runEvaluate(model, flags));
}

function runEvaluate(model: string, flags: EvaluateFlags): Promise<void> {
  for (const name of ["teacher", "reference"] as const) {
    const file = flags[name];
    if (file !== undefined && !existsSync(file))
      throw new InputError({
        code: "file-missing",
        where: `--${name}`,
        found: `there is no file ${file}`,
        cure: "Give the path of an .onnx model",
      });
  }
  const subject =
    existsSync(model) && statSync(model).isDirectory() ? runSubject(model, flags) : fileSubject(model, flags);
  return atTerminal(flags, async (terminal, signal) => {
    const { data, folder } = subject.recipe;
    const { student } = subject;
    const loaded = await loadAudited(data, {
      folder,
      ...(student ? { student } : {}),
      onEvent: (event) => terminal.event(event),
    });
    const { part, topK, latencyRuns, threads } = flags;
    const result = await evaluateModel(subject.file, loaded, {
      part,
      topK,
      latencyRuns,
      threads,
      signal,
      robustness: robustnessOf(flags, subject.recipe),
      reference: flags.reference,
      referenceDescription: flags.reference === undefined ? undefined : describedBy(subject.recipe, flags.reference),
      onEvent: (event) => terminal.event(event),
      ...subject.options,
    });
    for (const warning of result.warnings) terminal.warn(warning);
    terminal.result(describe(result), result);
  });
}

/** Corruptions named at the prompt, else what the recipe says, else all. */
function robustnessOf({ robustness, corruptions: names, reference }: EvaluateFlags, recipe: DataFile): RobustnessInput {
  if (!robustness && names === undefined) {
    if (reference !== undefined)
      throw new InputError({
        code: "option-conflict",
        where: "--reference",
        found: "it measures errors under corruptions, and none are asked for",
        cure: "Add --robustness",
      });
    return false;
  }
  const own = recipe.robustness || {};
  if (names === undefined) return { ...own };
  const corruptions = names.split(",").map((name) => {
    const found = CORRUPTION_NAMES.find((known) => known === name.trim());
    if (found) return found;
    const near = nearestOf(name.trim(), CORRUPTION_NAMES);
    const known = CORRUPTION_NAMES.join(", ");
    throw new InputError({
      code: "flag-invalid",
      where: "--corruptions",
      found: `found ${quote(name)}`,
      expected: `one of ${known}`,
      cure: near && `Did you mean "${near}"?`,
    });
  });
  return { ...own, corruptions };
}

interface Subject {
  readonly file: string;
  readonly recipe: DataFile;
  /** Of the run whose data it is: what its inputs read. */
  readonly student?: ModelPlan;
  readonly options: Pick<EvaluateModelOptions, "teacher" | "description" | "teacherDescription">;
}

function fileSubject(file: string, flags: EvaluateFlags): Subject {
  if (flags.data === undefined)
    throw new InputError({
      code: "option-missing",
      where: "--data",
      found: "missing",
      expected: "the recipe whose data the model is evaluated on",
      cure: "Add --data recipe.yaml",
    });
  if (!existsSync(file))
    throw new InputError({
      code: "file-missing",
      where: file,
      found: "no such file",
      cure: "Give an .onnx model or the folder of a run",
    });
  const recipe = loadDataFile(flags.data, flags.set);
  const { teacher } = flags;
  const teacherDescription = teacher === undefined ? undefined : describedBy(recipe, teacher);
  return {
    file,
    recipe,
    options: { teacher, description: { ...describedBy(recipe, file), ...given(flags) }, teacherDescription },
  };
}

function runSubject(directory: string, flags: EvaluateFlags): Subject {
  const run = openRun(directory);
  const recipe = flags.data
    ? loadDataFile(flags.data, flags.set)
    : loadDataFile(join(directory, "recipe.yaml"), flags.set);
  const there = numbered(directory, run, flags.data ? recipe : { ...recipe, folder: run.folder });
  const teacher = flags.teacher ?? teacherFile(directory, there, run.model);
  const teacherDescription = teacher === undefined ? undefined : describedBy(there, teacher);
  // Other data may name its arrays otherwise.
  const { student } = flags.data === undefined ? run.plan : {};
  return {
    file: run.model,
    recipe: there,
    ...(student ? { student } : {}),
    options: { teacher, description: given(flags), teacherDescription },
  };
}

/** A teacher for each seed ({n} in its file's name): the one of the seed that the run delivered. */
function numbered(directory: string, { plan, model }: OpenedRun, file: DataFile): DataFile {
  const { teacher } = file;
  const entry = teacher && teacherEntryOf(teacher);
  if (!entry?.forSeed) return file;
  const n = (trainingOf(directory, model)?.seed ?? plan.seed) - plan.seed + 1;
  return { ...file, teacher: entry.forSeed(teacher, n) as TeacherPlan };
}

/** The teacher of a run's model: its file, or the one trained in the run. */
function teacherFile(directory: string, recipe: DataFile, model: string): string | undefined {
  const file = recipe.teacher && modelFileOf(recipe.teacher, recipe.folder);
  if (file) return file;
  const own = trainingOf(directory, model);
  return own ? teacherOf(directory, own)?.file : undefined;
}

/** What the recipe says of this very file. */
function describedBy({ teacher, folder }: DataFile, file: string): ModelDescription | undefined {
  if (!teacher || modelFileOf(teacher, folder) !== resolve(file)) return undefined;
  return spelledFields(teacherEntryOf(teacher).description?.(teacher) ?? {}) as ModelDescription;
}

function given({ normalise, layout, outputs, output }: EvaluateFlags): ModelDescription {
  return { normalise, layout, outputs, output };
}

function describe(e: Evaluation): string {
  const percent = (v: number | null): string => (v === null ? "-" : `${(100 * v).toFixed(1)} %`);
  const number = (v: number | null): string => (v === null ? "-" : v.toFixed(3));
  const uneven = isImbalanced(e.perClass.map((c) => c.support));
  const heads = ["", "accuracy", ...(uneven ? ["balanced"] : []), `top-${e.k}`, "NLL", "ECE", "agreement", "soft KL"];
  const rows = [e, ...(e.teacher ? [e.teacher] : [])].map((m, i) => [
    i === 0 ? "model" : "teacher",
    percent(m.accuracy),
    ...(uneven ? [percent(m.balancedAccuracy ?? null)] : []),
    percent(m.topK),
    number(m.nll),
    number(m.ece),
    percent(m.agreement),
    number(m.softKL),
  ]);
  const facts: [string, string][] = [
    ["model", e.model],
    ["size", `${formatBytes(e.fileBytes)}, ${noun(e.parameters, "parameter")}`],
    ["evaluated on", `${noun(e.data.samples, "sample")} of ${e.data.name} (${e.data.part})`],
  ];
  if (e.teacher) facts.splice(1, 0, ["teacher", e.teacher.model]);
  if (e.latency) {
    const { medianMs, p95Ms, batch } = e.latency;
    facts.push(["latency", `${medianMs.toFixed(3)} ms median, ${p95Ms.toFixed(3)} ms p95, batch ${batch}`]);
  }
  return [
    aligned(facts),
    ...e.notes.map((n) => `  ${n}`),
    "",
    columns([heads, ...rows]),
    ...tables(e),
    ...underCorruptions(e),
  ].join("\n");
}

/** Above so many classes the confusion matrix is left to --json. */
const WIDEST = 20;
/** Classes whose scores are shown; of more, those with the lowest recall. */
const MOST_CLASSES = 40;
const LOWEST = 20;
/** Of many classes: errors that are shown. */
const MOST_ERRORS = 10;

function tables(e: Evaluation): string[] {
  if (e.perClass.length === 0) return ["", "Accuracy needs labels; agreement and soft KL need --teacher."];
  const share = (v: number): string => `${(100 * v).toFixed(1)} %`;
  const shown = e.perClass.length > MOST_CLASSES ? lowest(e.perClass) : e.perClass;
  const rows = shown.map((c) => [c.class, share(c.precision), share(c.recall), share(c.f1), String(c.support)]);
  const left = e.perClass.length - shown.length;
  const said = `These classes have the lowest recall. ${left.toLocaleString("en-US")} of ${noun(e.perClass.length, "class")} are not shown; use --json for all of them.`;
  const matrix =
    e.classes.length > WIDEST
      ? [`Use --json for the confusion matrix of ${e.classes.length} classes.`]
      : [
          "confusion matrix (rows: labels, columns: predictions)",
          columns([["", ...e.classes], ...e.confusion.map((row, c) => [e.classes[c] as string, ...row.map(String)])]),
        ];
  return [
    "",
    columns([["class", "precision", "recall", "F1", "samples"], ...rows]),
    ...(left > 0 ? [said] : []),
    "",
    ...(e.confused ? errors(e, e.confused) : matrix),
  ];
}

/** Classes with the lowest recall among those that have samples. */
function lowest(perClass: Evaluation["perClass"]): Evaluation["perClass"] {
  const tested = perClass.filter((c) => c.support > 0);
  return [...tested].sort((a, b) => a.recall - b.recall || b.support - a.support).slice(0, LOWEST);
}

function errors({ classes }: Evaluation, { pairs, errors: all, kinds }: ConfusedPairs): string[] {
  if (all === 0) return ["The model makes no errors."];
  const shown = pairs.slice(0, MOST_ERRORS);
  const name = (c: number): string => classes[c] ?? String(c);
  return [
    "most frequent errors",
    columns([["label", "answer", "errors"], ...shown.map((p) => [name(p.label), name(p.answer), String(p.count)])]),
    ...(kinds > shown.length
      ? [`${(kinds - shown.length).toLocaleString("en-US")} other pairs of classes are not shown; use --json for more.`]
      : []),
  ];
}

function underCorruptions({ robustness }: Evaluation): string[] {
  if (!robustness) return [];
  const sentence = referenceSentence(robustness);
  const head = `under ${whatWasMeasured(robustness)} (${noun(robustness.samples, "sample")}, seed ${robustness.seed})`;
  return ["", head, columns(robustnessRows(robustness)), ...(sentence ? [sentence] : [])];
}
