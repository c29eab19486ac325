/** `limbeck doctor recipe.yaml`. */
import { type Command, Option } from "commander";
import { loadRecipe } from "../run/recipe/load.js";
import { examine } from "../app/doctor/doctor.js";
import type { Finding } from "../app/doctor/types.js";
import { atTerminal, overridesOf } from "./command.js";
import { type CommonFlags, jsonFlag, quietFlag, setFlag, threadsFlag } from "./flags.js";

interface DoctorFlags extends CommonFlags {
  readonly quick: boolean;
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check a recipe for common mistakes before running it, and suggest fixes")
    .argument("<recipe>", "recipe file")
    .addOption(setFlag())
    .addOption(new Option("--quick", "skip the checks that train a model").default(false))
    .addOption(new Option("-o, --out <dir>", "a finished run of this recipe (default: searched for in runs/)"))
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Exit codes: 0 no check failed (warnings are allowed), 1 a check failed, 2 the input is wrong, 130 stopped by Ctrl-C.
Short training runs show whether the teacher is worse than the student alone, and whether the student is too small. If a
finished run of the recipe exists, its models are used instead. To check the teacher's answers, use a label store, an ONNX
file, or a finished run: a teacher that has not been trained has no answers yet.

Examples:
  limbeck doctor recipe.yaml
  limbeck doctor recipe.yaml --quick
  limbeck doctor recipe.yaml --set teacher='{label_store: answers}' --json`,
    )
    .action((file: string, flags: DoctorFlags) => {
      const { recipe, folder } = loadRecipe(file, overridesOf(flags));
      const { quick, out, threads } = flags;
      return atTerminal(
        flags,
        async (terminal, signal) => {
          const onEvent = terminal.event.bind(terminal);
          const findings = await examine(recipe, { folder, quick, out, threads, signal, onEvent });
          terminal.result(describe(findings), { findings });
          if (findings.some((f) => f.status === "fail")) process.exitCode = 1;
        },
        "stopping; nothing is kept (press Ctrl-C again to exit immediately)",
      );
    });
}

/** The checks that were made; for those that were skipped, only the names. */
function describe(findings: readonly Finding[]): string {
  const made = findings.filter((f) => f.status !== "skipped");
  const left = findings.filter((f) => f.status === "skipped");
  return [
    ...made.flatMap(({ check, status, found, why, change }) => [
      `${status.padEnd(4)}  ${check}: ${found}`,
      ...(why ? [`      why: ${why}`] : []),
      ...(change ? [`      change: ${change}`] : []),
    ]),
    ...left.map(({ check, found }) => `-     ${check}: skipped, because ${found}`),
  ].join("\n");
}
