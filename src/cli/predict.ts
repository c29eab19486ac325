/** `limbeck predict student.onnx files...`. */
import { type Command, Option } from "commander";
import { InputError } from "../base/errors.js";
import { quote } from "../base/quote.js";
import { type Prediction, type PredictOptions, predictFiles } from "../app/commands/predict.js";
import { columns } from "./command.js";
import { jsonFlag, quietFlag, threadsFlag, wholeNumber } from "./flags.js";
import { Terminal } from "./terminal.js";

type PredictFlags = Omit<PredictOptions, "topK"> & { readonly topK: number; readonly json: boolean };

export function addPredict(program: Command): void {
  program
    .command("predict")
    .description("classify files: images, or arrays as .npy, .npz, .csv, .tsv, .json")
    .argument("<model>", ".onnx classifier")
    .argument("<files...>", "an image is one sample; an array may contain many, one per row")
    .addOption(
      new Option("-k, --top-k <k>", "number of classes to show").argParser(wholeNumber("--top-k", 1)).default(1),
    )
    .addOption(
      new Option("--scale <factor>", "factor on the input values: 1/255 for a model that expects [0, 1]").argParser(
        factor,
      ),
    )
    .addOption(new Option("--size <height>x<width>", "image size, if the model does not fix it").argParser(sizeOption))
    .addOption(new Option("--key <name>", "name of the array in an .npz archive"))
    .addOption(new Option("--layout <layout>", "order of image dimensions").choices(["nchw", "nhwc"]))
    .addOption(new Option("--output <name>", "name of the output, if the model has several"))
    .addOption(new Option("--outputs <kind>", "kind of output").choices(["logits", "probabilities"]))
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Give raw values, as in the training data. Models exported by limbeck contain the normalisation (with --raw, their metadata
describe it instead). Images are resized to the model's input and converted to grey or RGB, with pixels from 0 to 255. Class
names come from the metadata. A model with several inputs reads .npz archives whose arrays are named after the inputs.

Examples:
  limbeck predict student.onnx cat.jpg dog.png --top-k 3
  limbeck predict student.onnx samples.npy --json
  limbeck predict encoder.onnx texts.npz                     with the arrays input_ids and attention_mask
  limbeck predict digits.onnx seven.png --scale 16/255       the digits' pixels range from 0 to 16`,
    )
    .action(async (model: string, files: readonly string[], flags: PredictFlags) => {
      const terminal = new Terminal({ json: flags.json, quiet: false });
      const onNote = (text: string): void => terminal.note(`${model}: ${text}`);
      const predictions = await predictFiles(model, files, { ...flags, onNote });
      terminal.result(describe(predictions), predictions);
    });
}

/** "0.5" or "1/255". */
function factor(text: string): number {
  const [top, bottom = "1", ...more] = text.split("/");
  const value = Number(top) / Number(bottom);
  if (!Number.isFinite(value) || value === 0 || text.trim() === "" || more.length > 0)
    throw new InputError({
      code: "flag-invalid",
      where: "--scale",
      found: `found ${quote(text)}`,
      expected: "a number other than 0, such as 0.5 or 1/255",
    });
  return value;
}

function sizeOption(text: string): readonly [number, number] {
  const [, height, width] = /^([1-9]\d*)x([1-9]\d*)$/.exec(text) ?? [];
  if (!height || !width)
    throw new InputError({
      code: "flag-invalid",
      where: "--size",
      found: `found ${quote(text)}`,
      expected: "<height>x<width>, such as 224x224",
    });
  return [Number(height), Number(width)];
}

function describe(predictions: readonly Prediction[]): string {
  const many = new Set(predictions.filter((p) => p.index > 0).map((p) => p.file));
  const share = (p: number): string => `${(100 * p).toFixed(1)} %`;
  const rows = predictions.map(({ file, index, top }) => [
    many.has(file) ? `${file} [${index}]` : file,
    ...top.flatMap((t) => [t.class, share(t.probability)]),
  ]);
  const heads = [
    "file",
    ...(predictions[0]?.top ?? []).flatMap((_, i) => [i === 0 ? "class" : `${i + 1}.`, "probability"]),
  ];
  return columns([heads, ...rows]);
}
