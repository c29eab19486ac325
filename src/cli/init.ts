/** `limbeck init [file]`. */
import { basename, extname } from "node:path";
import { type Command, Option } from "commander";
import { teachers } from "../run/recipe/registries.js";
import { sources } from "../learn/data/sources/registry.js";
import { writeOutput } from "../run/folder/output.js";
import { type StarterOptions, starterRecipe } from "../app/commands/starter-recipe.js";
import { jsonFlag, quietFlag } from "./flags.js";
import { Terminal } from "./terminal.js";

interface InitFlags extends StarterOptions {
  readonly json: boolean;
}

export function addInit(program: Command): void {
  program
    .command("init")
    .description("write a commented recipe to start from")
    .argument("[file]", "file to write; existing files are never overwritten", "recipe.yaml")
    .addOption(
      new Option("--data <source>", "source of the samples")
        .choices(sources.entries.map((entry) => entry.kind))
        .default("digits"),
    )
    .addOption(
      new Option("--teacher <kind>", "kind of teacher: a model to train, an ONNX file, or a label store")
        .choices(teachers.entries.flatMap(({ starter }) => starter?.name ?? []))
        .default("model"),
    )
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Examples:
  limbeck init && limbeck distill recipe.yaml           the digits, ready to run
  limbeck init cats.yaml --data images --teacher file   photos in folders, your own ONNX classifier as the teacher`,
    )
    .action((file: string, flags: InitFlags) => init(file, flags));
}

async function init(file: string, { data, teacher, json }: InitFlags): Promise<void> {
  const stem = basename(file, extname(file)).replace(/[^\w.-]+/g, "-");
  const text = starterRecipe({ data, teacher, name: stem === "recipe" ? undefined : stem });
  await writeOutput(file, text);
  const change = text.includes("CHANGE:") ? "Change the lines below CHANGE, then run" : "Run";
  new Terminal({ json, quiet: false }).result(`wrote ${file}. ${change}: limbeck distill ${file}`, {
    file,
    data,
    teacher,
  });
}
