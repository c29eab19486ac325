// Builds dist/ and writes the generated pages of docs/ from it: `npm run docs`. A test checks that they are up to date.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
execFileSync(process.execPath, [join(root, "scripts", "build.js")], { stdio: "inherit" });
const { pages } = await import("../dist/cli/docs.js");
for (const [name, text] of Object.entries(pages())) {
  writeFileSync(join(root, "docs", name), text);
  console.log(`docs/${name}`);
}
