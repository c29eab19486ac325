// Runs the tests of what reads users' data and models under several versions of Node:
//   node scripts/doors-on-node.js [20 22 24] [-- filter ...]
// Each version comes from npm (the packages node-<platform>-<architecture>) into a folder that is removed afterwards.
// Compile first (npm test, or tsc -p tsconfig.json). The last line of a version is "Node 24.1.0: N passed, N failed".
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const build = join(root, "build", "test");
const given = process.argv.slice(2);
const dashes = given.indexOf("--");
const versions = given.slice(0, dashes < 0 ? undefined : dashes);
const filters = dashes < 0 ? ["data/", "teacher/", "cli/behaviour", "cli/commands"] : given.slice(dashes + 1);

if (!existsSync(build)) {
  console.error("there is nothing to run; compile the tests first: npx tsc -p tsconfig.json");
  process.exit(2);
}
const files = readdirSync(build, { recursive: true })
  .map((file) => String(file).split(sep).join("/"))
  .filter((file) => file.endsWith(".test.js") && filters.some((filter) => file.startsWith(filter)))
  .sort();
let failed = 0;
for (const version of versions.length > 0 ? versions : ["20", "22", "24"]) failed += runOn(version);
process.exit(failed > 0 ? 1 : 0);

/** @returns the number of failed tests */
function runOn(version) {
  const folder = mkdtempSync(join(tmpdir(), `limbeck-node-${version}-`));
  try {
    const node = install(version, folder);
    const name = execFileSync(node, ["--version"], { encoding: "utf8" }).trim().slice(1);
    const counts = { pass: 0, fail: 0 };
    for (const file of files) {
      const { stdout, status, signal } = spawnSync(node, ["--test", "--test-reporter=tap", join(build, file)], {
        cwd: root,
        encoding: "utf8",
        maxBuffer: 2 ** 28,
        timeout: 900_000,
        env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      });
      const count = (what) => Number(stdout.match(new RegExp(`^# ${what} (\\d+)$`, "m"))?.[1] ?? Number.NaN);
      const [pass, fail] = [count("pass"), count("fail")];
      const broken = Number.isNaN(pass) || (status !== 0 && fail === 0);
      counts.pass += Number.isNaN(pass) ? 0 : pass;
      counts.fail += broken ? 1 : fail;
      for (const line of stdout.match(/^ *not ok .*$/gm) ?? []) console.log(`Node ${name}: ${file}: ${line.trim()}`);
      if (broken) console.log(`Node ${name}: ${file}: ended with ${signal ?? status}`);
    }
    console.log(`Node ${name}: ${counts.pass} passed, ${counts.fail} failed`);
    return counts.fail;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the path of the binary */
function install(version, folder) {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${platform}-${process.arch}`;
  writeFileSync(join(folder, "package.json"), "{}");
  const npm = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", `${name}@${version}`];
  // npm says by which file it was started; without it, it is looked for on the path.
  const { npm_execpath: cli } = process.env;
  if (cli) execFileSync(process.execPath, [cli, ...npm], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  else execFileSync("npm", npm, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return join(folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
}
