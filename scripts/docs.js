// Writes the generated pages of docs/ from dist/: `npm run docs`. A test checks that they are up to date.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { pages } = await import("../dist/cli/docs.js");
for (const [name, text] of Object.entries(pages())) {
  writeFileSync(join(root, "docs", name), text);
  console.log(`docs/${name}`);
}
