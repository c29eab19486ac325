// Compiles src/ to dist/. Runs on `npm ci` (prepare) in a clone; the published package ships dist/ and has no sources to build.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
if (!existsSync(join(root, "src"))) process.exit(0);
let tsc;
try {
  tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
} catch {
  console.error(
    "limbeck: TypeScript is not installed (npm ci --omit=dev?), so dist/ was not built. Run npm ci, then npm run build.",
  );
  process.exit(existsSync(join(root, "dist", "index.js")) ? 0 : 1);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], {
  stdio: "inherit",
  cwd: root,
});
process.exit(status ?? 1);
