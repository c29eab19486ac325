/** `limbeck label recipe.yaml`. */
import { type Command, Option } from "commander";
import { noun } from "../noun.js";
import { loadRecipe } from "../recipe/load.js";
import { formatBytes } from "../report/terminal.js";
import { type LabelDataResult, labelData } from "../strategy/label.js";
import { aligned, atTerminal, dataCommand, overridesOf } from "./command.js";
import { type CommonFlags, deviceFlag, jsonFlag, quietFlag, seedFlag, setFlag, threadsFlag } from "./flags.js";

export function addLabel(program: Command): void {
  program
    .command("label")
    .description(
      "write down a teacher's answers for every sample of a recipe's data, to distil from as often as you like",
    )
    .argument("<recipe>", "recipe file; its teacher is an ONNX file or a model to train")
    .addOption(setFlag())
    .addOption(new Option("-o, --out <dir>", "folder for the answers (default: label-stores/<name>)"))
    .option(
      "-f, --features <names...>",
      "also keep these inner values of the teacher: tensor or node names, * is any text",
    )
    .addOption(seedFlag())
    .option("-r, --resume [dir]", "finish a labelling that was interrupted")
    .addOption(deviceFlag())
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
The folder is tied by hashes to teacher, data and preprocessing: a store of something else is refused, never misread.
In a recipe it stands for its teacher: teacher: { label_store: <dir> }. Whoever has the store needs no teacher.

Examples:
  limbeck label recipe.yaml --out answers                       label every sample once
  limbeck label recipe.yaml --out answers --resume              go on after Ctrl-C or a crash
  limbeck label recipe.yaml --set teacher.precision=float16     half the size
  limbeck label recipe.yaml --features 'layer*/relu'            with inner values, for feature losses
  limbeck distill recipe.yaml --set 'teacher={label_store: answers}'`,
    )
    .action((file: string, flags: LabelFlags) => runLabel(file, flags));
}

interface LabelFlags extends CommonFlags {
  readonly features?: readonly string[];
}

function runLabel(file: string, flags: LabelFlags): Promise<void> {
  const { recipe, folder } = loadRecipe(file, overridesOf(flags));
  const { out, resume, threads, device, features } = flags;
  return atTerminal({ ...flags, dataCommand: dataCommand(file) }, async (terminal, signal) => {
    const onEvent = terminal.event.bind(terminal);
    const result = await labelData(recipe, { out, resume, folder, threads, device, features, signal, onEvent });
    for (const warning of result.warnings) terminal.warn(warning);
    terminal.result(describe(result), result);
  });
}

function describe(result: LabelDataResult): string {
  const share = (value: number | null): string => (value === null ? "-" : `${(100 * value).toFixed(1)} %`);
  const { train, validation } = result.accuracy;
  const right =
    train === null && validation === null
      ? "unknown: the data has no labels"
      : `${share(train)} of the labelled training samples, ${share(validation)} of the validation samples`;
  const rows = aligned([
    ["teacher", result.teacher],
    ["trained on", result.trainedOn],
    ["samples", `${result.samples.toLocaleString("en-US")}, ${noun(result.classes.length, "class")}`],
    ["answers", `${result.kind}, ${result.precision}`],
    ...result.features.map((f) => ["feature", `${f.name} [${f.shape.join(", ")}]`] as [string, string]),
    ["right", right],
    ["size", formatBytes(result.bytes)],
    ["store", result.store],
  ]);
  return [rows, ...result.notes, `Use it: teacher: { label_store: ${result.store} }`].join("\n");
}
