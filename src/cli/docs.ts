/** The generated pages of docs/: commands, recipe reference and operators, each from what the program itself says. */
import type { Command } from "commander";
import { opTable } from "../ops/table.js";
import { recipeReference } from "../recipe/reference.js";
import { createProgram } from "./main.js";

/** Text of each page by file name. */
export function pages(): Record<string, string> {
  return { "commands.md": commandReference(), "ops.md": opTable(), "recipe.md": recipeReference() };
}

function commandReference(): string {
  const program = createProgram();
  const wide = (command: Command): Command => {
    command.configureHelp({ helpWidth: 110 });
    command.commands.forEach(wide);
    return command;
  };
  wide(program);
  const help = (command: Command): string => {
    let text = "";
    command.configureOutput({
      writeOut: (part) => {
        text += part;
      },
    });
    command.outputHelp();
    return text.trimEnd();
  };
  const sections = program.commands
    .filter((c) => c.name() !== "help")
    .map((c) => `## limbeck ${c.name()}\n\n\`\`\`text\n${help(c)}\n\`\`\`\n`);
  return `# Commands

Written by \`npm run docs\` from the program; a test holds it to that.

\`\`\`text
${help(program)}
\`\`\`

${sections.join("\n")}`;
}
