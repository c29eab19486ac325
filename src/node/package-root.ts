/** Where the package lies on disk: its data, recipes and version are found from here, in a clone and when installed. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

let found: string | undefined;

/** Absolute path of the folder that holds limbeck's package.json. */
export function packageRoot(): string {
  if (found) return found;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("limbeck: package.json not found above the installed code");
    folder = parent;
  }
  found = folder;
  return folder;
}

/** Version of the package, e.g. "0.1.0". */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
