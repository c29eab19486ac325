/** Functions and endpoints as teachers: what they may answer, and what happens when they fail. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type AnswerKind,
  type Answers,
  distill,
  fromArrays,
  functionTeacher,
  httpTeacher,
  InputError,
  openLabelStore,
  type Question,
  RunError,
} from "../../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-endpoint-"));
const servers: Server[] = [];
after(() => {
  for (const s of servers) s.close();
  rmSync(folder, { recursive: true, force: true });
});

const data = fromArrays({
  samples: Array.from({ length: 10 }, (_, i) => [i, 10 * i]),
  labels: Array.from({ length: 10 }, (_, i) => i % 3),
  classes: ["a", "b", "c"],
});
const all = Uint32Array.from({ length: 10 }, (_, i) => i);

const near = (found: Float32Array, expected: readonly number[]): void => {
  assert.equal(found.length, expected.length);
  expected.forEach((v, i) => {
    assert.ok(Math.abs((found[i] as number) - v) < 1e-6, `${i}: ${found[i]} against ${v}`);
  });
};

const make = (answers: AnswerKind, ask: (q: Question) => Answers | Promise<Answers>, more: object = {}) =>
  functionTeacher({ name: "mine", classes: 3, answers, retryMs: 1, ask, ...more });

test("a function gets raw samples in batches, and its answers become rows in the order asked", async () => {
  const calls: number[][] = [];
  const teacher = make(
    "logits",
    ({ samples, count, shape, indices }) => {
      assert.deepEqual([...shape], [2]);
      calls.push([...indices]);
      return Array.from({ length: count }, (_, i) => [samples[2 * i] as number, samples[2 * i + 1] as number, 0]);
    },
    { batch: 2 },
  );
  near(await teacher.answer(data, Uint32Array.of(3, 1, 7)), [3, 30, 0, 1, 10, 0, 7, 70, 0]);
  assert.deepEqual(calls, [[3, 1], [7]]);
  assert.equal(teacher.kind, "logits");
});

test("labels become one-hot rows; top-k spreads what is missing; log-probabilities serve as logits", async () => {
  const one = Uint32Array.of(4);
  near(await make("labels", () => [2]).answer(data, one), [0, 0, 1]);
  near(await make("top-k", () => [{ classes: [1], probabilities: [0.8] }]).answer(data, one), [0.1, 0.8, 0.1]);
  near(
    await make("top-k", () => [{ classes: [0, 1, 2], probabilities: [0.2, 0.5, 0.3] }]).answer(data, one),
    [0.2, 0.5, 0.3],
  );
  const logs = make("log-probabilities", () => [[0.2, 0.5, 0.3].map(Math.log)]);
  assert.equal(logs.kind, "logits");
  near(await logs.answer(data, one), [0.2, 0.5, 0.3].map(Math.log));
});

test("failures are tried again and then told; a call that never ends is cut off", async () => {
  let calls = 0;
  const flaky = make("labels", () => {
    if (calls++ < 2) throw new Error("busy");
    return [1];
  });
  near(await flaky.answer(data, Uint32Array.of(0)), [0, 1, 0]);
  assert.equal(calls, 3);
  const dead = make("labels", () => Promise.reject(new Error("gone")), { retries: 2 });
  await assert.rejects(
    dead.answer(data, Uint32Array.of(0)),
    (e: unknown) =>
      e instanceof RunError &&
      e.code === "endpoint-failed" &&
      e.where === "mine" &&
      /after 3 tries: gone/.test(e.found),
  );
  let aborted = false;
  const slow = make(
    "labels",
    ({ signal }) =>
      new Promise<Answers>(() =>
        signal.addEventListener("abort", () => {
          aborted = true;
        }),
      ),
    { retries: 0, timeoutSeconds: 0.05 },
  );
  await assert.rejects(slow.answer(data, Uint32Array.of(0)), { code: "endpoint-failed", found: /0\.05 s/ });
  assert.ok(aborted);
});

interface Asked {
  readonly shape: number[];
  readonly samples: number[][];
}

/** A server whose nth request (from 1) is answered by `how`. */
async function serve(
  how: (n: number, asked: Asked, response: ServerResponse, request: IncomingMessage) => void,
): Promise<string> {
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
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?key=1`;
}

/** The class is the first value modulo 3. */
const answerTo = ({ samples }: Asked): string => JSON.stringify({ outputs: samples.map((s) => (s[0] as number) % 3) });

test("an endpoint: too many requests, half an answer and a server error are tried again, a refusal is not", async () => {
  const seen: string[] = [];
  const url = await serve((n, asked, response, request) => {
    seen.push(request.headers.authorization ?? "");
    if (n === 1) response.writeHead(429, { "retry-after": "0" }).end("slow down");
    else if (n === 2) response.end('{"outputs": [0, ');
    else if (n === 3) response.writeHead(500).end();
    else response.end(answerTo(asked));
  });
  const options = { url, classes: 3, answers: "labels", retryMs: 1, headers: { authorization: "token" } } as const;
  near(await httpTeacher(options).answer(data, Uint32Array.of(0, 1, 2, 5)), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1]);
  assert.deepEqual(seen, Array(4).fill("token"));
  assert.ok(!httpTeacher(options).name.includes("key"), "no secret of the address in reports");
  let refused = 0;
  const no = await serve((_, __, response) => {
    refused++;
    response.writeHead(401).end("who are you?");
  });
  await assert.rejects(
    httpTeacher({ ...options, url: no }).answer(data, all),
    (e: unknown) => e instanceof RunError && e.code === "endpoint-failed" && /status 401: who are you\?/.test(e.found),
  );
  assert.equal(refused, 1);
  const odd = await serve((_, __, response) => void response.end('{"result": 1}'));
  await assert.rejects(
    httpTeacher({ ...options, url: odd }).answer(data, all),
    (e: unknown) =>
      e instanceof InputError &&
      e.code === "endpoint-answer" &&
      e.found.includes('{"result": 1}') &&
      !e.message.includes("key"),
  );
  assert.throws(
    () => httpTeacher({ ...options, url: "ftp://x" }),
    (e: unknown) => e instanceof InputError && e.where === "teacher.url",
  );
});

test("a labelling that breaks off keeps what was answered, and asks for the rest only", async () => {
  const asked: number[] = [];
  const url = await serve((n, question, response) => {
    if (n === 3) return void response.writeHead(400).end("enough");
    asked.push(...question.samples.map((s) => s[0] as number));
    response.end(answerTo(question));
  });
  const teacher = httpTeacher({ url, classes: 3, answers: "labels", batch: 3, retryMs: 1 });
  const store = join(folder, "store");
  await assert.rejects(openLabelStore(store, teacher, data, { precision: "float32" }), {
    code: "endpoint-failed",
    found: /enough/,
  });
  assert.deepEqual(asked, [0, 1, 2, 3, 4, 5]);
  const whole = await openLabelStore(store, teacher, data, { precision: "float32" });
  assert.deepEqual(asked, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  near(
    whole.outputs,
    [...all].flatMap((i) => [0, 1, 2].map((c) => Number(i % 3 === c))),
  );
});

test("no more calls a second than allowed", async () => {
  let calls = 0;
  const teacher = make(
    "labels",
    ({ count }) => {
      calls++;
      return Array<number>(count).fill(0);
    },
    { batch: 2, callsPerSecond: 50 },
  );
  // Four waits of 20 ms lie between five calls, however slow the machine is; timers may fire a millisecond early.
  const started = performance.now();
  await teacher.answer(data, all);
  assert.equal(calls, 5);
  assert.ok(performance.now() - started >= 4 * 19);
});

test("an endpoint that is not there is told with its reason, and without the key in its address", async () => {
  const gone = httpTeacher({ url: "http://127.0.0.1:1/answer?key=1", classes: 3, answers: "labels", retries: 0 });
  await assert.rejects(
    gone.answer(data, Uint32Array.of(0)),
    (e: Error) => e instanceof RunError && /ECONNREFUSED|bad port/.test(e.message) && !e.message.includes("key=1"),
  );
});

test("from a recipe, with a header from the environment", async () => {
  process.env.LIMBECK_TEST_TOKEN = "secret";
  const tokens = new Set<string>();
  const url = await serve((_, { samples }, response, request) => {
    tokens.add(request.headers.authorization ?? "");
    // Knows where the ink is: better than chance on digits, no more.
    response.end(
      JSON.stringify({ outputs: samples.map((s) => Array.from({ length: 10 }, (_, c) => (s[c * 6] as number) / 4)) }),
    );
  });
  const recipe = {
    name: "endpoint",
    data: { source: "digits" },
    teacher: { url, answers: "logits", batch: 300, headers: { authorization: "Bearer $LIMBECK_TEST_TOKEN" } },
    student: { kind: "mlp", hidden: [8] },
    training: { steps: 50 },
    evaluation: { latency_runs: 5 },
  } as const;
  const { summary } = await distill(recipe, { out: join(folder, "run"), threads: 1 });
  assert.deepEqual([...tokens], ["Bearer secret"]);
  assert.equal(summary.models[0]?.trainedOn, "unknown: the answers come from an endpoint");
  assert.ok(!JSON.stringify(summary).includes("secret"));
  delete process.env.LIMBECK_TEST_TOKEN;
  await assert.rejects(
    distill(recipe, { out: join(folder, "again") }),
    (e: unknown) =>
      e instanceof InputError &&
      e.code === "environment-missing" &&
      e.where === "teacher.headers.authorization" &&
      e.found.includes("LIMBECK_TEST_TOKEN"),
  );
});
