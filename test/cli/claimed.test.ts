/** Two command lines and one run folder. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isClaim } from "../../src/run/folder/claim.js";
import { LAUNCHER, limbeck, SMALL, temporary } from "./support.js";

const { folder, remove } = temporary();
after(remove);

const LONG = [...SMALL, "--set", "seeds=1", "--set", "training.steps=20000"];

/** A run in a process of its own that has begun to train. */
async function begun(out: string) {
  const args = [LAUNCHER, "distill", ...LONG, "--out", out];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close").then(([code]) => code as number | null);
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const says = async (text: string): Promise<void> => {
    while (!errors.includes(text)) {
      assert.equal(child.exitCode, null, errors);
      await new Promise((done) => setTimeout(done, 10));
    }
  };
  await says("folder:");
  return { child, ended, says };
}

const claims = (out: string): string[] => readdirSync(out).filter(isClaim);

test("a second process is refused with exit code 2 and writes nothing; after kill -9 the run is taken over, and that is said", async () => {
  const out = join(folder, "run");
  const { child, ended } = await begun(out);
  const state = () => [readFileSync(join(out, "state.json"), "utf8"), statSync(join(out, "state.json")).mtimeMs];
  const before = state();
  for (const args of [
    ["--out", out],
    ["--resume", out],
    ["--resume", "--out", out],
  ]) {
    const second = await limbeck(["distill", ...LONG, ...args, "--json"], { cwd: folder });
    assert.equal(second.code, 2, second.stderr);
    const { error } = JSON.parse(second.stdout);
    assert.deepEqual([error.code, error.where], ["run-claimed", out]);
    assert.ok(
      error.found.includes(`process ${child.pid} `) && error.found.includes(new Date().toISOString().slice(0, 10)),
    );
    assert.ok(error.cure);
  }
  assert.deepEqual(state(), before);
  child.kill("SIGKILL");
  await ended;
  assert.deepEqual(claims(out), ["claim-1.json"]);
  const steps = ["--resume", out, "--quiet"];
  const stopped = await limbeck(["distill", ...LONG, ...steps], {
    cwd: folder,
    signal: { name: "SIGINT", after: "took" },
  });
  assert.ok(stopped.stderr.includes(`process ${child.pid} `), stopped.stderr);
  assert.match(stopped.stderr, /took the folder over/);
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.deepEqual(claims(out), []);
});

test("the second Ctrl-C ends the process at once, and gives its folder back all the same", async () => {
  const out = join(folder, "twice");
  const { child, ended, says } = await begun(out);
  child.kill("SIGINT");
  await says("press Ctrl-C again");
  child.kill("SIGINT");
  assert.equal(await ended, 130);
  assert.deepEqual(claims(out), []);
});
