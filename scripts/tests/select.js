// Which test files are meant. Paths are the sources', relative to the root, with forward slashes.
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { distance } from "fastest-levenshtein";
import { SOURCE_FOLDERS, stemsOf } from "./compile.js";

/** How many near names a filter without a match is answered with. */
const NEAR = 5;

/** Every test file. */
export function testSources() {
  return stemsOf("test", /\.test\.ts$/)
    .map((stem) => `test/${stem}.test.ts`)
    .sort();
}

/** What a test file is compiled to. */
export function outputOf(source) {
  return join(process.cwd(), "build", ...source.replace(/\.ts$/, ".js").split("/"));
}

/**
 * The test files whose path contains one of the filters; all without one.
 * @throws Error with near names when a filter matches nothing
 */
export function selectTests(sources, filters) {
  if (filters.length === 0) return sources;
  const wanted = new Set();
  for (const filter of filters) {
    const part = asSource(filter);
    const matches = sources.filter((path) => path.includes(part));
    if (part === "" || matches.length === 0)
      throw new Error(`no test file matches "${filter}"; near it: ${nearest(part, sources).join(", ")}`);
    for (const path of matches) wanted.add(path);
  }
  return sources.filter((path) => wanted.has(path));
}

/** A filter as a part of a source's path: it may be pasted from a shell, an editor or a stack trace. */
function asSource(filter) {
  const path = filter.replaceAll("\\", "/");
  const root = `${process.cwd().replaceAll("\\", "/")}/`;
  const inside = path.startsWith(root) ? path.slice(root.length) : path;
  return inside
    .replace(/^\.\//, "")
    .replace(/^build\//, "")
    .replace(/\.test\.js$/, ".test.ts");
}

/** A file is as near as its name or the end of its path is. */
function nearest(part, sources) {
  const wanted = part.replace(/(\.test)?(\.ts)?$/, "").toLowerCase();
  const far = (path) => {
    const pieces = path
      .replace(/\.test\.ts$/, "")
      .toLowerCase()
      .split("/");
    const ends = pieces.map((_, i) => pieces.slice(i).join("/"));
    return Math.min(...[...pieces, ...ends].map((end) => distance(wanted, end)));
  };
  const ranked = sources
    .map((path) => ({ path, far: far(path) }))
    .sort((a, b) => a.far - b.far || a.path.localeCompare(b.path));
  return ranked
    .slice(0, NEAR)
    .filter(({ far }) => far <= ranked[0].far + 1)
    .map(({ path }) => path);
}

/** The test files that import one of these sources, however far down. Read from what was compiled. */
export function testsReaching(changed) {
  const touched = new Set(changed);
  const importers = importersOf();
  const queue = [...touched];
  for (const path of queue)
    for (const importer of importers.get(path) ?? [])
      if (!touched.has(importer)) {
        touched.add(importer);
        queue.push(importer);
      }
  return testSources().filter((path) => touched.has(path));
}

/** Who imports each source directly. */
function importersOf() {
  const importers = new Map();
  for (const folder of SOURCE_FOLDERS)
    for (const stem of stemsOf(join("build", folder), /\.js$/)) {
      const path = `${folder}/${stem}`;
      const text = readFileSync(join("build", `${path}.js`), "utf8");
      for (const [, target] of text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)"(\.[^"]+)\.js"/g)) {
        const imported = `${posix.join(posix.dirname(path), target)}.ts`;
        importers.set(imported, [...(importers.get(imported) ?? []), `${path}.ts`]);
      }
    }
  return importers;
}
