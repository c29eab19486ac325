// Recompiles and runs again when a file changes, until Ctrl-C.
import { statSync, watch } from "node:fs";
import { sep } from "node:path";
import { compileTests } from "./compile.js";
import { runFiles, slowestLines, summaryOf } from "./run.js";
import { outputOf, selectTests, testSources, testsReaching } from "./select.js";

/** What tests depend on. */
const WATCHED = ["src", "test", "bench", "scripts", "docs", "recipes", "data"];
/** An editor writes a file in several steps. */
const QUIET_MS = 150;

/**
 * @param slowest how many of the slowest files are listed after each run
 * @returns 0, once Ctrl-C was pressed
 */
export async function watchTests(filters, slowest) {
  selectTests(testSources(), filters);
  const changes = new Changes();
  const stopped = new Promise((resolve) => process.once("SIGINT", resolve)).then(() => changes.stop());
  const compiled = compileTests({ clean: false });
  // Without a filter nothing is asked for until something changes.
  if (filters.length > 0 && compiled) await runAsked(selectTests(testSources(), filters), changes, slowest);
  for (;;) {
    if (changes.empty) console.log("\nwatching for changes; Ctrl-C ends it");
    const changed = await changes.next();
    if (!changed) break;
    console.log(`\nchanged: ${changed.join(", ")}`);
    if (!compileTests({ clean: false })) console.log("the tests do not compile");
    else await runAsked(askedFor(filters, changed), changes, slowest);
  }
  await stopped;
  return 0;
}

/** The filters' files; where the last of them was removed, none. */
function askedFor(filters, changed) {
  if (filters.length === 0) return testsReaching(changed);
  try {
    return selectTests(testSources(), filters);
  } catch (error) {
    console.log(error.message);
    return [];
  }
}

/** A change during the run ends it: what it would say is old. */
async function runAsked(sources, changes, slowest) {
  if (sources.length === 0) return console.log("no test file imports it");
  const { counts, times } = await runFiles(sources.map(outputOf), changes.signal());
  if (!changes.empty) return console.log("stopped, because a file changed");
  for (const line of slowestLines(times, slowest)) console.log(line);
  console.log(summaryOf(counts));
}

/** Files that changed and were not asked for yet. */
class Changes {
  #paths = new Set();
  #timer;
  #wake = () => {};
  #aborting = new AbortController();
  #stopped = false;
  #watchers = WATCHED.map((folder) =>
    watch(folder, { recursive: true }, (_, name) => this.#add(`${folder}/${String(name).split(sep).join("/")}`)),
  );
  #since = Date.now();

  get empty() {
    return this.#paths.size === 0 && !this.#stopped;
  }

  /** Aborts at the next change. */
  signal() {
    if (this.empty) this.#aborting = new AbortController();
    return this.#aborting.signal;
  }

  /** What changed, once there is something and it is quiet; null after `stop`. */
  async next() {
    if (!this.#stopped && (this.empty || this.#timer)) await new Promise((resolve) => (this.#wake = resolve));
    const changed = [...this.#paths];
    this.#paths.clear();
    this.#since = Date.now();
    return this.#stopped ? null : changed;
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#aborting.abort();
    this.#wake();
  }

  #add(path) {
    // Some systems report that a file was read, or a change from before the watch began.
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats && (stats.isDirectory() || stats.mtimeMs < this.#since - 1000)) return;
    this.#paths.add(path);
    this.#aborting.abort();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wake();
    }, QUIET_MS);
  }
}
