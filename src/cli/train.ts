/** `limbeck train recipe.yaml`. */
import { type Command, Option } from "commander";
import { loadRecipe } from "../run/recipe/load.js";
import { formatTable } from "../learn/report/terminal.js";
import { trainModel } from "../run/pipeline/train-model.js";
import { aligned, atTerminal, dataCommand, overridesOf, typedCommand } from "./command.js";
import { addRunFlags, type CommonFlags } from "./flags.js";

interface TrainFlags extends CommonFlags {
  readonly model: "student" | "teacher";
}

export function addTrain(program: Command): void {
  addRunFlags(
    program
      .command("train")
      .description("train one model of a recipe on labels alone: the student, or the teacher (--model teacher)")
      .argument("<recipe>", "recipe file")
      .addOption(
        new Option("--model <which>", "which model to train").choices(["student", "teacher"]).default("student"),
      ),
  )
    .addHelpText(
      "after",
      `
For each seed, the weights with the best validation score are kept. The best seed's model is exported as model.onnx,
together with summary.json. To use a trained teacher in a recipe, set teacher: { file: <run>/model.onnx }. The file
records that it contains the normalisation.

Examples:
  limbeck train recipe.yaml                           the student on labels alone, for every seed of the recipe
  limbeck train recipe.yaml --model teacher           the recipe's teacher (teacher.model, teacher.training)
  limbeck train recipe.yaml --set training.epochs=50  with a different budget
  limbeck train recipe.yaml --resume                  continue after Ctrl-C`,
    )
    .action((file: string, flags: TrainFlags) => runTrain(file, flags));
}

function runTrain(file: string, flags: TrainFlags): Promise<void> {
  const { recipe, folder } = loadRecipe(file, overridesOf(flags));
  const { model, out, resume, threads, jobs, device } = flags;
  return atTerminal({ ...flags, dataCommand: dataCommand(file) }, async (terminal, signal) => {
    const result = await trainModel(recipe, {
      model,
      out,
      resume,
      folder,
      threads,
      jobs,
      device,
      signal,
      onEvent: (event) => terminal.event(event),
      command: typedCommand(),
    });
    for (const warning of result.summary.warnings) terminal.warn(warning);
    const files = aligned([
      ["model", result.model],
      ["summary", result.summaryFile],
    ]);
    terminal.result(`${formatTable(result.summary, { color: terminal.colored })}\n\n${files}`, result.summary);
  });
}
