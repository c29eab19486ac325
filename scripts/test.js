// Compiles src/, test/ and bench/ to build/ and runs the tests with Node's own runner. `npm test -- --help` lists the options.
// The last line is "N passed, N failed[, N skipped]".
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileTests } from "./tests/compile.js";
import { runFiles, slowestLines, summaryOf } from "./tests/run.js";
import { outputOf, selectTests, testSources } from "./tests/select.js";
import { watchTests } from "./tests/watch.js";

const HELP = `npm test                             compile from scratch, run every test: what CI runs
npm test -- <filter ...>             compile what changed, run the test files whose path has one of these in it
npm test -- --watch [filter ...]     the same after every change, until Ctrl-C; without a filter, the test files
                                     that import what changed
npm test -- --slowest[=N] [filter]   then list the N test files that took longest (default 20)
npm test -- --help                   this text

A filter is a part of a path: npy, learn/data or test/learn/data/npy.test.ts. Slashes may be of either kind.
The last line is "N passed, N failed[, N skipped]". Exit code: 0 all passed, 1 a test failed or none was run.`;
const DEFAULT_SLOWEST = 20;

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
try {
  process.exitCode = await main(optionsOf(process.argv.slice(2)));
} catch (error) {
  console.log(`${error.message}\n0 passed, 1 failed`);
  process.exitCode = 1;
}

async function main({ help, watch, slowest, filters }) {
  if (help) {
    console.log(HELP);
    return 0;
  }
  if (watch) return await watchTests(filters, slowest);
  // Before compiling: a filter that matches nothing is said at once.
  const sources = selectTests(testSources(), filters);
  if (!compileTests({ clean: filters.length === 0 })) throw new Error("the tests do not compile");
  // The long ones lie in web/ and run/: when they come first, no core waits for the last of them.
  const { counts, times } = await runFiles(sources.map(outputOf).reverse());
  for (const line of slowestLines(times, slowest)) console.log(line);
  if (counts.pass + counts.fail === 0) throw new Error("no test was run");
  console.log(summaryOf(counts));
  return counts.fail > 0 ? 1 : 0;
}

function optionsOf(args) {
  // parseArgs knows no option whose value may be left out.
  const given = args.map((arg) => (arg === "--slowest" ? `--slowest=${DEFAULT_SLOWEST}` : arg));
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      watch: { type: "boolean", short: "w", default: false },
      slowest: { type: "string", default: "0" },
    },
  });
  const slowest = Number(values.slowest);
  if (!Number.isInteger(slowest) || slowest < 0) throw new Error(`--slowest=${values.slowest}: not a number of files`);
  return { ...values, slowest, filters: positionals };
}
