/** A run folder belongs to one process at a time; what a killed process left is taken over, by one. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createFileAtomic } from "../../src/node/atomic.js";
import { ownProcess } from "../../src/node/process-identity.js";
import { claimFolder, isClaim, refuseClaimed } from "../../src/run/folder/claim.js";
import { faultLike } from "../support/faults.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-claim-"));
after(() => rmSync(root, { recursive: true, force: true }));

const module = new URL("../../src/run/folder/claim.js", import.meta.url).href;
const PRELUDE = `import { closeSync, existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { claimFolder } from ${JSON.stringify(module)};
const [folder, go] = process.argv.slice(2);
const say = (word) => process.stdout.write(word + "\\n");
const until = async (path) => { while (!existsSync(path)) await new Promise((done) => setTimeout(done, 2)); };
`;

/** A program that children run with a folder, and the file whose appearance they wait for, as arguments. */
function program(name: string, text: string): string {
  const path = join(root, `${name}.mjs`);
  writeFileSync(path, PRELUDE + text);
  return path;
}

const holder = program("holder", `await claimFolder(folder); say("held"); await until(go);`);

interface Started {
  readonly child: ChildProcess;
  /** Resolves when it has written a line. */
  line(): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string; readonly out: string }>;
}

function start(file: string, ...args: string[]): Started {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, errors] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    errors += String(chunk);
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, errors, out }));
  const line = async (): Promise<string> => {
    while (!out.includes("\n") && child.exitCode === null) await new Promise((done) => setTimeout(done, 5));
    return out.trim();
  };
  return { child, line, ended };
}

const claims = (folder: string): string[] => readdirSync(folder).filter(isClaim);

function fresh(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

/** The claim of this very process, with changes. */
function leave(folder: string, changes: object, name = "claim-1.json"): string {
  const path = join(folder, name);
  const whole = { id: "left", ...ownProcess(), since: "2026-01-02T03:04:05.678Z", ...changes };
  writeFileSync(path, JSON.stringify(whole));
  return path;
}

test("a second run of the same process is refused, and a folder that was given back can be claimed again", async () => {
  const folder = fresh("twice");
  const claim = await claimFolder(folder);
  assert.equal(claim.takenOver, null);
  assert.deepEqual(claims(folder), ["claim-1.json"]);
  const refused = faultLike({ code: "run-claimed", where: folder, found: [process.pid, "this process"] });
  await assert.rejects(claimFolder(folder), refused);
  await assert.rejects(refuseClaimed(folder), refused);
  claim.release();
  claim.release();
  assert.deepEqual(readdirSync(folder), []);
  const again = await claimFolder(folder);
  claim.release();
  assert.equal(claims(folder).length, 1, "an old claim releases nothing of a new one");
  again.release();
});

test("another process is named with its number and since when; killed, its claim is taken over and that is said", async () => {
  const folder = fresh("held");
  const other = start(holder, folder, join(root, "never"));
  assert.equal(await other.line(), "held");
  const pid = other.child.pid as number;
  const before = { names: readdirSync(folder), time: statSync(folder).mtimeMs };
  const { since } = JSON.parse(readFileSync(join(folder, "claim-1.json"), "utf8")) as { since: string };
  const told = faultLike({ code: "run-claimed", where: folder, found: [`process ${pid} `, since.slice(0, 19)] });
  await assert.rejects(claimFolder(folder), told);
  assert.deepEqual({ names: readdirSync(folder), time: statSync(folder).mtimeMs }, before, "nothing is written");
  other.child.kill("SIGKILL");
  await other.ended;
  assert.deepEqual(claims(folder), ["claim-1.json"]);
  const claim = await claimFolder(folder);
  assert.ok(
    claim.takenOver?.includes(`process ${pid} `) && claim.takenOver.includes(folder),
    claim.takenOver ?? "none",
  );
  assert.deepEqual(claims(folder), ["claim-2.json"]);
  claim.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("a number that was given to a new process, or of another start of the computer, is nobody's claim", async (t) => {
  if (ownProcess().started === undefined) return t.skip("this system does not tell when a process began");
  const linux = ownProcess().boot !== undefined;
  for (const [i, changes] of [{ started: "1" }, ...(linux ? [{ boot: "another" }] : [])].entries()) {
    const folder = fresh(`recycled-${i}`);
    leave(folder, changes);
    const claim = await claimFolder(folder);
    assert.match(claim.takenOver ?? "", new RegExp(`process ${process.pid} .*2026-01-02T03:04:05Z`));
    claim.release();
    assert.deepEqual(claims(folder), []);
  }
});

test("a claim of another computer or container is never taken over: the error names it and the file to delete", async () => {
  for (const [i, changes, where] of [
    [0, { host: "far-away", boot: "x", pid: 1 }, "far-away"],
    [1, { namespace: "pid:[1]" }, "container"],
  ] as const) {
    const folder = fresh(`elsewhere-${i}`);
    const path = leave(folder, changes);
    const before = readFileSync(path, "utf8");
    await assert.rejects(
      claimFolder(folder),
      faultLike({ code: "run-claimed", found: [where], cure: ["delete", path] }),
    );
    assert.equal(readFileSync(path, "utf8"), before);
    assert.deepEqual(readdirSync(folder), ["claim-1.json"]);
  }
  assert.notEqual(hostname(), "far-away");
});

test("a claim that cannot be read is not taken over either", async () => {
  const folder = fresh("unreadable");
  const path = join(folder, "claim-3.json");
  writeFileSync(path, "{");
  await assert.rejects(claimFolder(folder), faultLike({ code: "run-claimed", found: ["claim-3.json"], cure: [path] }));
  assert.deepEqual(readdirSync(folder), ["claim-3.json"]);
});

test("process.exit, an error that nobody catches and the end of the work give the folder back", async () => {
  for (const [name, ending] of [
    ["exit", "process.exit(3);"],
    ["error", "throw new Error('nobody catches this');"],
    ["end", ""],
  ] as const) {
    const folder = fresh(`ends-by-${name}`);
    const { ended } = start(program(name, `await claimFolder(folder); ${ending}`), folder);
    const { code } = await ended;
    assert.equal(code, { exit: 3, error: 1, end: 0 }[name]);
    assert.deepEqual(readdirSync(folder), [], name);
  }
});

test("of many processes that race for one stale claim, exactly one gets it", async () => {
  const racer = program(
    "racer",
    `const done = process.argv[4];
say("ready");
await until(go);
try {
  const { takenOver } = await claimFolder(folder);
  process.stdout.write(takenOver ? "took over" : "new");
  await until(done);
} catch (error) {
  process.stdout.write(error.code);
}
`,
  );
  for (let round = 0; round < 4; round++) {
    const folder = fresh(`race-${round}`);
    // Two rounds from a stale claim, two from an empty folder.
    const stale = round < 2;
    if (stale) leave(folder, { pid: 2 ** 30, started: "1" });
    const [go, done] = [join(root, `go-${round}`), join(root, `done-${round}`)];
    const racers = Array.from({ length: 8 }, () => start(racer, folder, go, done));
    for (const r of racers) assert.equal(await r.line(), "ready");
    writeFileSync(go, "");
    const losers = new Set(racers);
    // The winner holds the folder until every other one has come to its end.
    const all = racers.map((r) => r.ended.then(() => losers.delete(r)));
    while (losers.size > 1) await Promise.race([...losers].map((r) => r.ended));
    assert.deepEqual(claims(folder), [stale ? "claim-2.json" : "claim-1.json"]);
    writeFileSync(done, "");
    await Promise.all(all);
    const words = (await Promise.all(racers.map((r) => r.ended))).map(({ out }) => out.replace("ready\n", ""));
    assert.deepEqual(
      words.sort(),
      [...Array.from({ length: 7 }, () => "run-claimed"), stale ? "took over" : "new"].sort(),
    );
    assert.deepEqual(readdirSync(folder), []);
  }
});

test("processes that claim and give back without end, some of them killed, are never in the folder together", async () => {
  const folder = fresh("mill");
  const inside = join(root, "inside");
  mkdirSync(inside);
  const mill = program(
    "mill",
    `const INSIDE = ${JSON.stringify(inside)};
let held = 0;
await until(go);
const end = Date.now() + 2000;
while (Date.now() < end) {
  let claim;
  try { claim = await claimFolder(folder); } catch (error) {
    if (error.code !== "run-claimed") throw error;
    continue;
  }
  const marks = readdirSync(INSIDE);
  // A killed process leaves its mark with its claim. Whoever's mark is removed while it runs finds out below.
  if (claim.takenOver) for (const left of marks) rmSync(join(INSIDE, left));
  else if (marks.length > 0) { say("not alone: " + marks); process.exit(9); }
  const mark = join(INSIDE, String(process.pid));
  closeSync(openSync(mark, "wx"));
  rmSync(mark);
  claim.release();
  held++;
}
say("held " + held);
`,
  );
  const go = join(root, "go-mill");
  const mills = Array.from({ length: 5 }, () => start(mill, folder, go));
  writeFileSync(go, "");
  const victims = mills.slice(0, 2);
  for (const { child } of victims) {
    await new Promise((done) => setTimeout(done, 700));
    child.kill("SIGKILL");
  }
  let held = 0;
  for (const { ended } of mills.slice(2)) {
    const { code, out, errors } = await ended;
    assert.equal(code, 0, out + errors);
    held += Number(/held (\d+)/.exec(out)?.[1]);
  }
  for (const { ended } of victims) assert.equal((await ended).code, null, "killed");
  assert.ok(held > 20, `only ${held} claims`);
  const last = await claimFolder(folder);
  last.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("a file is created whole and by one", () => {
  const path = join(fresh("created"), "file.json");
  assert.equal(createFileAtomic(path, "first"), true);
  assert.equal(createFileAtomic(path, "second"), false);
  assert.equal(readFileSync(path, "utf8"), "first");
  assert.deepEqual(readdirSync(join(root, "created")), ["file.json"]);
  assert.ok(existsSync(path));
});
