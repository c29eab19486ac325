/** `limbeck doctor recipe.yaml`. */
import type { Command } from "commander";
import { loadRecipe } from "../recipe/load.js";
import { examine } from "../strategy/doctor/doctor.js";
import { atTerminal, overridesOf } from "./command.js";
import { type CommonFlags, jsonFlag, quietFlag, setFlag } from "./flags.js";

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("look for what goes wrong in practice before a recipe is run, and say what to change")
    .argument("<recipe>", "recipe file")
    .addOption(setFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Exit codes: 0 nothing failed (warnings included), 1 a check failed, 2 the input is wrong.
A teacher that is still to be trained has no answers to check: run it on a label store or an ONNX file.

Examples:
  limbeck doctor recipe.yaml
  limbeck doctor recipe.yaml --set teacher='{label_store: answers}' --json`,
    )
    .action((file: string, flags: CommonFlags) => {
      const { recipe, folder } = loadRecipe(file, overridesOf(flags));
      return atTerminal(flags, async (terminal) => {
        const findings = await examine(recipe, { folder });
        const text = findings.flatMap(({ check, status, found, why, change }) => [
          `${status.padEnd(4)}  ${check}: ${found}`,
          ...(why ? [`      why: ${why}`, `      change: ${change}`] : []),
        ]);
        terminal.result(text.join("\n"), { findings });
        if (findings.some((f) => f.status === "fail")) process.exitCode = 1;
      });
    });
}
