/** The command line with an endpoint: no secret in anything it writes or says, and Ctrl-C at any moment. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { stringify } from "yaml";
import { LAUNCHER, limbeck, type Outcome, temporary } from "./support.js";

const { folder, remove } = temporary();
const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  remove();
});

interface Asked {
  readonly shape: number[];
  readonly samples: number[][];
}

type How = (n: number, asked: Asked, response: ServerResponse, request: IncomingMessage) => void;

/** A server whose nth request (from 1) is answered by `how`. */
async function serve(how: How): Promise<{ readonly port: number; readonly asked: () => number }> {
  let n = 0;
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => {
      text += String(part);
    });
    request.on("end", () => how(++n, JSON.parse(text) as Asked, response, request));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, asked: () => n };
}

/** Knows where the ink is: better than chance on digits, no more. */
const answer: How = (_, { samples }, response) =>
  void response.end(
    JSON.stringify({ outputs: samples.map((s) => Array.from({ length: 10 }, (_, c) => (s[c * 6] as number) / 4)) }),
  );

/** A recipe file in a folder of its own. */
function recipeFile(name: string, teacher: object, more: object = {}): string {
  const recipe = {
    name,
    data: { source: "digits" },
    teacher: { answers: "logits", batch: 300, ...teacher },
    student: { kind: "mlp", hidden: [8] },
    training: { steps: 30 },
    evaluation: { latency_runs: 2 },
    ...more,
  };
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "recipe.yaml"), stringify(recipe));
  return join(folder, name, "recipe.yaml");
}

const SECRETS = {
  user: "pasSword/with@signs",
  query: "queryTOKEN+0123",
  header: "literalHEADER-77aa",
  environment: "environMENT-55bb==",
  flag: "flagSECRET-33cc",
  grid: "gridSECRET-22dd",
  short: "S3cr",
} as const;

/** Every form in which one could be found. */
const FORMS = Object.values(SECRETS).flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  encodeURIComponent(secret).toLowerCase(),
  Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  Buffer.from(secret).toString("base64url"),
  Buffer.from(secret).toString("hex"),
  JSON.stringify(secret).slice(1, -1),
]);
const BASIC = Buffer.from(`me:${SECRETS.user}`).toString("base64");

function checkText(where: string, text: string): void {
  for (const form of [...FORMS, BASIC]) assert.ok(!text.includes(form), `${where} holds ${form}`);
}

/** Looks at every byte of every file, but the recipes that were written by hand. */
function checkFiles(directory: string): number {
  let files = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    checkText("the name of a file", path);
    if (!entry.isFile() || path === join(directory, "recipe.yaml")) continue;
    checkText(path, readFileSync(path, "latin1"));
    files++;
  }
  return files;
}

function checkOutcome(what: string, { stdout, stderr }: Outcome): void {
  checkText(`stdout of ${what}`, stdout);
  checkText(`stderr of ${what}`, stderr);
}

const env = { ENDPOINT_KEY: SECRETS.environment, LIMBECK_DEBUG: "*" };

const secretTeacher = (port: number) => ({
  url: `http://me:${encodeURIComponent(SECRETS.user)}@127.0.0.1:${port}/answer?token=${encodeURIComponent(SECRETS.query)}&model=ink`,
  headers: { "x-api-key": SECRETS.header, "x-other": "Bearer $ENDPOINT_KEY", cookie: `s=${SECRETS.short}; t=1` },
  retries: 1,
});

test("no file, message or log of distill, label and sweep holds a secret, whatever fails", async () => {
  let sick: How | null = null;
  const { port } = await serve((n, asked, response, request) => {
    const { authorization, cookie } = request.headers;
    const whole = authorization === `Basic ${BASIC}` && cookie === `s=${SECRETS.short}; t=1`;
    if (!whole || request.headers["x-other"] !== `Bearer ${SECRETS.environment}`) response.writeHead(403).end();
    // The first call of each command fails and says back what it got.
    else if (n % 6 === 1) response.writeHead(500).end(JSON.stringify({ ...request.headers, url: request.url }));
    else (sick ?? answer)(n, asked, response, request);
  });
  const teacher = secretTeacher(port);
  const variant = { name: "v", set: { "teacher.headers.x-api-key": SECRETS.flag, "teacher.version": "2" } };
  const recipe = recipeFile("secret", teacher, { variants: [variant] });
  const run = async (what: string, args: readonly string[], code: number): Promise<Outcome> => {
    const outcome = await limbeck(args, { cwd: join(folder, "secret"), env });
    checkOutcome(what, outcome);
    assert.equal(outcome.code, code, `${what}: ${outcome.stderr}`);
    return outcome;
  };
  const set = ["--set", `teacher.headers.x-more=${SECRETS.flag}`];
  await run("distill", ["distill", recipe, "--out", "distilled", ...set], 0);
  const { stdout } = await run("distill --json", ["distill", recipe, "--out", "json", "--json", ...set], 0);
  assert.match((JSON.parse(stdout) as { command: string }).command, /teacher\.headers\.x-more=\*\*\*/);
  await run("label", ["label", recipe, "--out", "labelled", "--set", `teacher.url=${teacher.url}`], 0);
  const grid = `teacher={"answers":"logits","url":"${teacher.url}","headers":${JSON.stringify(teacher.headers)},"version":"3"}`;
  await run(
    "hops",
    ["distill", recipe, "--out", "hops", "--strategy", "born-again", "--set", "variants=[]", "--set", grid],
    0,
  );
  const values = ["--grid", `teacher.headers.x-grid=${SECRETS.grid}`, "--grid", "training.batch=16,32"];
  await run("sweep", ["sweep", recipe, "--out", "swept", "--set", "variants=[]", ...values], 0);
  // A copy is a recipe, and says what it lacks.
  const copy = readFileSync(join(folder, "secret", "distilled", "recipe.yaml"), "utf8");
  assert.match(copy, /x-other: Bearer \$ENDPOINT_KEY/);
  assert.match(copy, new RegExp(`url: http://\\*\\*\\*@127.0.0.1:${port}/answer\\?token=\\*\\*\\*&model=ink`));
  const lacking = await run("copy", ["distill", "distilled/recipe.yaml", "--out", "copied", "--json"], 2);
  assert.equal((JSON.parse(lacking.stdout) as { error: { code: string } }).error.code, "secret-missing");
  // Failures that last, each told in another way.
  const failures: [string, number, How][] = [
    ["refused", 1, (_, __, r, q) => void r.writeHead(401).end(`who is ${JSON.stringify(q.headers)} at ${q.url}?`)],
    ["broken", 2, (_, __, r, q) => void r.end(`<p>${decodeURIComponent(q.url ?? "")} ${q.headers["x-api-key"]}`)],
    ["no outputs", 2, (_, __, r, q) => void r.end(JSON.stringify({ got: q.headers, url: q.url }))],
    [
      "wrong outputs",
      2,
      (_, __, r, q) => void r.end(JSON.stringify({ outputs: Array(300).fill(q.headers["x-other"]) })),
    ],
    ["redirected", 2, (_, __, r, q) => void r.writeHead(307, { location: `http://localhost:1${q.url}` }).end()],
    ["waiting", 1, (_, __, r, q) => void r.writeHead(429, { "retry-after": "9999" }).end(`${q.headers.authorization}`)],
  ];
  for (const [i, [what, code, how]] of failures.entries()) {
    sick = how;
    await run(what, ["label", recipe, "--out", `failed-${i}`, "--json", ...set], code);
  }
  sick = null;
  // Recipes that are wrong.
  for (const wrong of [
    [`teacher.headers.x={a: ${SECRETS.flag}}`],
    [`teacher.url=ftp://me:${SECRETS.flag}@host`],
    [`teacher.url=me:${SECRETS.flag}@host`],
    [`teacher.headers.x-y="${SECRETS.flag}`],
    [`teacher.headers=${SECRETS.flag}`],
    [`teacher.headers.x-y=${SECRETS.flag}`, "teacher.answer=labels"],
  ])
    await run(`wrong ${wrong}`, ["label", recipe, "--out", "wrong", ...wrong.flatMap((pair) => ["--set", pair])], 2);
  assert.ok(checkFiles(join(folder, "secret")) > 60);
});

test("a run goes on with another key, and its state and answers hold no hash of one", async () => {
  const { port, asked } = await serve((n, question, response, request) => {
    if (n === 3) response.writeHead(403).end("no more");
    else answer(n, question, response, request);
  });
  const recipe = recipeFile("keys", { url: `http://127.0.0.1:${port}/`, headers: { "x-api-key": "1111" }, retries: 0 });
  const cwd = join(folder, "keys");
  assert.equal((await limbeck(["label", recipe, "--out", "a"], { cwd })).code, 1);
  const state = readFileSync(join(cwd, "a", "state.json"), "utf8");
  writeFileSync(join(cwd, "copy.yaml"), readFileSync(join(cwd, "a", "recipe.yaml")));
  const args = ["label", recipe, "--out", "a", "--resume", "--set", "teacher.headers.x-api-key=$OTHER_KEY"];
  const resumed = await limbeck(args, { cwd, env: { OTHER_KEY: "2222" } });
  assert.equal(resumed.code, 0, resumed.stderr);
  // Two of six calls had been answered before the refusal.
  assert.equal(asked(), 3 + 4);
  const print = (text: string): string => (JSON.parse(text) as { recipe: string }).recipe;
  assert.equal(print(readFileSync(join(cwd, "a", "state.json"), "utf8")), print(state));
  // Finished answers need no key at all: the copy of the recipe resumes.
  const copy = await limbeck(["label", "copy.yaml", "--out", "a", "--resume"], { cwd });
  assert.equal(copy.code, 0, copy.stderr);
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** Milliseconds from the last signal to the end. */
  readonly ms: number;
}

/** Runs a command and sends it signals: `when` resolves when the next one is due. */
async function interrupted(
  args: readonly string[],
  cwd: string,
  signals: readonly (readonly [NodeJS.Signals, (stderr: () => string) => Promise<void>])[],
): Promise<Ended> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let [stderr, sent] = ["", 0];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Omit<Ended, "stderr" | "ms">>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  for (const [signal, when] of signals) {
    await when(() => stderr);
    sent = performance.now();
    child.kill(signal);
  }
  const guard = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const how = await ended;
  clearTimeout(guard);
  return { ...how, stderr, ms: performance.now() - sent };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    assert.ok(i < 2000, "it never came");
    await pause(10);
  }
}

test("Ctrl-C ends a hanging call, a wait and a slow rate in a moment with 130, and --resume finishes", async () => {
  let healthy = false;
  const kinds: [string, object, NodeJS.Signals, How][] = [
    ["hanging", {}, "SIGINT", () => {}],
    ["half", {}, "SIGTERM", (_, __, response) => void response.writeHead(200).write('{"outputs": [')],
    ["wait", {}, "SIGINT", (_, __, response) => void response.writeHead(429, { "retry-after": "250" }).end()],
    ["rate", { calls_per_second: 0.01 }, "SIGINT", answer],
  ];
  for (const [name, more, signal, sick] of kinds) {
    healthy = false;
    const { port, asked } = await serve((n, question, response, request) =>
      (n > 1 && !healthy ? sick : answer)(n, question, response, request),
    );
    const recipe = recipeFile(name, { url: `http://127.0.0.1:${port}/`, ...more });
    const cwd = join(folder, name);
    const wanted = name === "rate" ? 1 : 2;
    const due = async (): Promise<void> => {
      await until(() => asked() >= wanted);
      await pause(150);
    };
    const stopped = await interrupted(["distill", recipe, "--out", "run"], cwd, [[signal, due]]);
    assert.deepEqual([stopped.code, stopped.signal], [130, null], `${name}: ${stopped.stderr}`);
    assert.ok(stopped.ms < 3000, `${name} took ${stopped.ms} ms`);
    assert.equal(
      (JSON.parse(readFileSync(join(cwd, "run", "state.json"), "utf8")) as { status: string }).status,
      "running",
    );
    healthy = true;
    const before = asked();
    // Another rate is another recipe.
    if (name === "rate") continue;
    const resumed = await limbeck(["distill", recipe, "--out", "run", "--resume"], { cwd });
    assert.equal(resumed.code, 0, `${name}: ${resumed.stderr}`);
    assert.ok(existsSync(join(cwd, "run", "student.onnx")));
    assert.equal(asked() - before, 5, "what was answered is not asked for again");
  }
});

test("the second Ctrl-C ends the process at once, in its first seconds too", async () => {
  const { port, asked } = await serve(() => {});
  const recipe = recipeFile("twice", { url: `http://127.0.0.1:${port}/` });
  const cwd = join(folder, "twice");
  const ended = await interrupted(["distill", recipe, "--out", "a"], cwd, [
    ["SIGINT", () => until(() => asked() > 0)],
    ["SIGINT", () => pause(1)],
  ]);
  assert.equal(ended.code, 130, ended.stderr);
  assert.ok(ended.ms < 1500, `${ended.ms} ms`);
  // From the very beginning on: before anything is loaded the system itself ends the process.
  for (const start of [50, 250, 450, 700, 1000]) {
    const early = await interrupted(["distill", recipe, "--out", `b${start}`], cwd, [
      ["SIGINT", () => pause(start)],
      ["SIGINT", () => pause(50)],
    ]);
    assert.ok(early.code === 130 || early.signal === "SIGINT", `${start}: ${early.code} ${early.stderr}`);
    assert.ok(early.ms < 3000, `${start}: ${early.ms} ms`);
  }
});

test("an endpoint that asks for too long a wait ends the run with 1, and the run can be resumed", async () => {
  let healthy = false;
  const { port, asked } = await serve((n, question, response, request) => {
    if (n === 3 && !healthy) response.writeHead(503, { "retry-after": "4000" }).end("maintenance");
    else answer(n, question, response, request);
  });
  const recipe = recipeFile("long", { url: `http://127.0.0.1:${port}/` });
  const cwd = join(folder, "long");
  const { code, stdout, stderr } = await limbeck(["distill", recipe, "--out", "run", "--json"], { cwd });
  assert.equal(code, 1, stderr);
  const { error } = JSON.parse(stdout) as { error: Record<string, string> };
  assert.equal(error.code, "endpoint-wait");
  assert.match(error.found ?? "", /maintenance.*4000 s, until \d{4}-/);
  assert.match(error.expected ?? "", /300 s \(teacher\.max_wait_seconds\)/);
  healthy = true;
  const resumed = await limbeck(["distill", recipe, "--out", "run", "--resume"], { cwd });
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(asked(), 3 + 4);
  // A shorter limit is the recipe's to set.
  healthy = false;
  const strict = await serve((_, __, response) => response.writeHead(429, { "retry-after": "2" }).end());
  const other = recipeFile("strict", { url: `http://127.0.0.1:${strict.port}/`, max_wait_seconds: 1 });
  const limited = await limbeck(["label", other, "--out", "run"], { cwd: join(folder, "strict") });
  assert.equal(limited.code, 1, limited.stderr);
  assert.equal(strict.asked(), 1);
});

test("two teachers that differ in their secrets alone do not share answers", async () => {
  const { port, asked } = await serve(answer);
  const url = `http://127.0.0.1:${port}/?which=`;
  const member = (which: string, version: string) => ({ url: url + which, answers: "logits", batch: 600, version });
  const recipe = (name: string, versions: readonly string[]): string => {
    const file = recipeFile(name, {});
    const group = { group: [member("one", versions[0] as string), member("two", versions[1] as string)] };
    writeFileSync(
      file,
      stringify({
        ...{ name, data: { source: "digits" }, teacher: group, student: { kind: "mlp", hidden: [8] } },
        ...{ training: { steps: 10 }, evaluation: { latency_runs: 2 } },
      }),
    );
    return file;
  };
  const same = await limbeck(["distill", recipe("same", ["1", "1"]), "--out", "run", "--json"], { cwd: folder });
  assert.equal(same.code, 2, same.stderr);
  const { error } = JSON.parse(same.stdout) as { error: Record<string, string> };
  assert.deepEqual([error.code, error.where], ["option-conflict", "teacher.version"]);
  const before = asked();
  const apart = await limbeck(["distill", recipe("apart", ["1", "2"]), "--out", "run2"], { cwd: folder });
  assert.equal(apart.code, 0, apart.stderr);
  assert.equal(asked() - before, 6);
  assert.equal(
    readdirSync(join(folder, "run2", "label-stores")).filter((d) =>
      statSync(join(folder, "run2", "label-stores", d)).isDirectory(),
    ).length,
    2,
  );
});
