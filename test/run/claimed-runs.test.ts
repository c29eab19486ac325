/** Runs claim their folders: while one goes nobody else writes there, and nothing of the claim stays behind. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  Distiller,
  type DistillOptions,
  distill,
  labelData,
  listRuns,
  loadData,
  type RecipeInput,
  type RunEvent,
  sweep,
  trainModel,
} from "../../src/index.js";
import { ownProcess } from "../../src/node/process-identity.js";
import { isClaim } from "../../src/run/folder/claim.js";
import { faultLike } from "../support/faults.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-claimed-"));
after(() => rmSync(root, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "claimed",
  seeds: 1,
  data: { source: "digits" },
  teacher: { model: { kind: "mlp", hidden: [16] }, training: { steps: 60 } },
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 60 },
  evaluation: { latency_runs: 10 },
};

const claimsBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((f) => isClaim(f.split(/[\\/]/).at(-1) as string))
    .map((f) => f.replaceAll("\\", "/"))
    .sort();

/** Runs, and does something else once at the first event of a kind: what came of both. */
async function meanwhile<R>(
  run: (options: DistillOptions) => Promise<R>,
  kind: RunEvent["kind"],
  other: (event: RunEvent) => Promise<unknown>,
): Promise<R> {
  let second: Promise<unknown> | undefined;
  const result = await run({
    threads: 1,
    onEvent(event) {
      if (event.kind !== kind || second) return;
      second = other(event);
      // Whatever it is, it is looked at below: until then it is not unhandled.
      second.catch(() => {});
    },
  });
  assert.ok(second, `no event "${kind}"`);
  await second;
  return result;
}

const refusedIn = (folder: string) => faultLike({ code: "run-claimed", where: folder, found: [process.pid] });

test("a folder with a run that goes on is refused to every command, new or resumed, and stays as it is", async () => {
  const out = join(root, "busy");
  await meanwhile(
    (options) => distill(recipe, { ...options, out }),
    "stage",
    async () => {
      assert.deepEqual(claimsBelow(out), ["claim-1.json"]);
      await assert.rejects(distill(recipe, { out, threads: 1 }), refusedIn(out));
      await assert.rejects(distill(recipe, { resume: out, threads: 1 }), refusedIn(out));
      await assert.rejects(labelData(recipe, { out, threads: 1 }), refusedIn(out));
      await assert.rejects(trainModel(recipe, { out, threads: 1 }), refusedIn(out));
      await assert.rejects(
        sweep({ ...recipe, sweep: { grid: { "objective.alpha": [0, 1] } } }, { out, threads: 1 }),
        refusedIn(out),
      );
      assert.deepEqual(claimsBelow(out), ["claim-1.json"]);
      assert.equal(listRuns(out)[0]?.state, "running");
    },
  );
  assert.deepEqual(claimsBelow(out), []);
  assert.ok(existsSync(join(out, "report.html")));
});

test("a teacher folder belongs to one of the runs that share it, and is free again after it", async () => {
  const teacherFolder = join(root, "teachers");
  const second = join(root, "second");
  await meanwhile(
    (options) => distill(recipe, { ...options, out: join(root, "first"), teacherFolder }),
    "stage",
    async () => {
      assert.deepEqual(claimsBelow(teacherFolder), ["claim-1.json"]);
      await assert.rejects(distill(recipe, { out: second, teacherFolder, threads: 1 }), refusedIn(teacherFolder));
      assert.ok(!existsSync(second) || readdirSync(second).length === 0, "nothing of the refused run stays");
    },
  );
  assert.deepEqual(claimsBelow(teacherFolder), []);
  const events: RunEvent[] = [];
  await distill(recipe, { out: second, teacherFolder, threads: 1, onEvent: (e) => events.push(e) });
  const trained = events.flatMap((e) => (e.kind === "training" ? [e.progress.name] : []));
  assert.ok(trained.length > 0 && !trained.includes("teacher"), "the teacher is found, not trained again");
});

test("a hop belongs to its strategy's run: not even its own folder can be continued by another run", async () => {
  const out = join(root, "strategy");
  const strategy = { kind: "born-again", generations: 2 } as const;
  let hops: string[] = [];
  await meanwhile(
    (options) => distill({ ...recipe, strategy }, { ...options, out }),
    "training",
    async () => {
      hops = readdirSync(join(out, "hops"));
      assert.deepEqual(claimsBelow(out), ["claim-1.json", `hops/${hops[0]}/claim-1.json`]);
      await assert.rejects(distill({ ...recipe, strategy }, { resume: out, threads: 1 }), refusedIn(out));
    },
  );
  assert.equal(hops.length, 1, "it was looked at in the first hop");
  assert.deepEqual(claimsBelow(out), []);
});

test("a label store and a fit's folders belong to one at a time too", async () => {
  const out = join(root, "answers");
  await meanwhile(
    (options) => labelData(recipe, { ...options, out }),
    "stage",
    () => assert.rejects(labelData(recipe, { out, resume: true, threads: 1 }), refusedIn(out)),
  );
  assert.deepEqual(claimsBelow(out), []);
  const { data } = await loadData({ source: "digits" });
  const distillers = [0, 1].map(() => new Distiller({ student: { kind: "mlp", hidden: [8] }, threads: 1 }));
  const directory = join(root, "fit");
  const fits = distillers.map((d) => d.compile({ alpha: 0 }).fit(data, { steps: 30, directory }));
  const outcomes = await Promise.allSettled(fits);
  const failed = outcomes.flatMap((o) => (o.status === "rejected" ? [o.reason] : []));
  assert.equal(failed.length, 1, "one of two");
  refusedIn(directory)(failed[0]);
  assert.deepEqual(claimsBelow(directory), []);
  for (const d of distillers) await d.dispose();
});

test("two runs that begin at once without a folder of their own get two folders", async () => {
  const began = process.cwd();
  const here = mkdtempSync(join(root, "at-once-"));
  process.chdir(here);
  try {
    const runs = await Promise.all([0, 1].map(() => distill(recipe, { threads: 1 })));
    assert.deepEqual(runs.map((r) => r.directory).sort(), [join("runs", "claimed"), join("runs", "claimed-2")]);
    assert.deepEqual(claimsBelow(here), []);
  } finally {
    process.chdir(began);
  }
});

test("a run that fails gives its folder back, and wrong input leaves nothing in it", async () => {
  const out = join(root, "fails");
  const controller = new AbortController();
  const stopped = distill(recipe, { out, threads: 1, signal: controller.signal, onEvent: () => controller.abort() });
  await assert.rejects(stopped, { name: "InterruptedError" });
  assert.deepEqual(claimsBelow(out), []);
  const file = join(root, "no-model.onnx");
  writeFileSync(file, "no model");
  const wrong = join(root, "wrong");
  await assert.rejects(distill({ ...recipe, teacher: { file } }, { out: wrong, threads: 1 }), { name: "InputError" });
  assert.ok(!existsSync(wrong) || readdirSync(wrong).length === 0);
});

test("a claim is no content of a folder: a run may begin where one was killed before it wrote anything", async () => {
  const out = join(root, "only-claim");
  mkdirSync(out);
  const pid = 2 ** 30;
  const left = { id: "left", ...ownProcess(), pid, since: "2026-01-02T03:04:05.678Z" };
  writeFileSync(join(out, "claim-1.json"), JSON.stringify(left));
  const warned: string[] = [];
  await distill(recipe, { out, threads: 1, onEvent: (e) => e.kind === "warning" && warned.push(e.text) });
  assert.equal(warned.filter((text) => text.includes(out) && text.includes(`process ${pid} `)).length, 1);
  assert.deepEqual(claimsBelow(out), []);
});
