/** How endpoints are called: redirects, waits, passwords in addresses, and stopping at any moment. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { InterruptedError } from "../../../src/base/errors.js";
import {
  AskError,
  fromArrays,
  functionTeacher,
  groupTeacher,
  type HttpTeacherOptions,
  httpTeacher,
  InputError,
  partialTeacher,
  RunError,
} from "../../../src/index.js";
import { retryAfter } from "../../../src/learn/teacher/endpoint/endpoint-call.js";
import { labelInMemory } from "../../../src/learn/teacher/memory.js";
import { sleep } from "../../../src/learn/teacher/endpoint/retry.js";

const servers: Server[] = [];
after(() => {
  for (const s of servers) {
    s.closeAllConnections();
    s.close();
  }
});

const data = fromArrays({
  samples: Array.from({ length: 6 }, (_, i) => [i, 10 * i]),
  labels: Array.from({ length: 6 }, (_, i) => i % 3),
  classes: ["a", "b", "c"],
});
const ONE = Uint32Array.of(4);

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly at: number;
}

/** A server with what it was called with. */
async function serve(how: (call: Call, response: ServerResponse, n: number) => void) {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += String(part);
    });
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const call = { method, path, headers, body, at: performance.now() };
      calls.push(call);
      how(call, response, calls.length);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { calls, port, url: `http://127.0.0.1:${port}` };
}

const right = (response: ServerResponse): void => void response.end('{"outputs": [1]}');
const ask = (url: string, more: Partial<HttpTeacherOptions> = {}, signal?: AbortSignal) =>
  httpTeacher({ url, classes: 3, answers: "labels", retries: 2, retryMs: 5, ...more }).answer(data, ONE, signal);
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail("it was answered"),
    (e: unknown) => e,
  );

test("redirects 307 and 308 of the same origin are followed with method, headers and samples", async () => {
  const { calls, url } = await serve(({ path }, response) => {
    if (path === "/a?t=1") response.writeHead(307, { location: "/b" }).end("moved");
    else if (path === "/b") response.writeHead(308, { location: `http://127.0.0.1:${port}/c#there` }).end();
    else right(response);
  });
  const { port } = new URL(url);
  assert.deepEqual([...(await ask(`${url}/a?t=1`, { headers: { "x-api-key": "key-1" } }))], [0, 1, 0]);
  assert.deepEqual(
    calls.map(({ method, path, headers, body }) => [method, path, headers["x-api-key"], body]),
    ["/a?t=1", "/b", "/c"].map((path) => ["POST", path, "key-1", '{"shape":[2],"samples":[[4,40]]}']),
  );
});

test("a redirect to another origin gets neither samples nor headers", async () => {
  const other = await serve((_, response) => right(response));
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of [
      `${other.url}/x?token=leak`,
      `//127.0.0.1:${other.port}/x`,
      `http://localhost:PORT/`,
      "https://127.0.0.1:PORT/",
      "file:///etc/passwd",
    ]) {
      const { calls, url } = await serve((_, response) => {
        response.writeHead(status, { location: location.replace("PORT", new URL(url).port) }).end();
      });
      const error = await errorOf(ask(`${url}/?token=own-token`, { headers: { "x-api-key": "key-2" } }));
      assert.ok(error instanceof InputError, String(error));
      assert.deepEqual([error.code, error.where], ["endpoint-redirect", `${url}/`]);
      assert.match(error.found, new RegExp(`status ${status}.*another origin`));
      assert.doesNotMatch(error.message, /leak|own-token|key-2/);
      assert.equal(calls.length, 1, "it is not tried again");
    }
  }
  assert.deepEqual(other.calls, []);
});

test("redirects that would drop the samples, lead nowhere or never end are errors", async () => {
  for (const status of [301, 302, 303]) {
    const { calls, url } = await serve((_, response) => response.writeHead(status, { location: "/b" }).end());
    const error = await errorOf(ask(url));
    assert.ok(error instanceof InputError && error.code === "endpoint-redirect", String(error));
    assert.match(error.found, new RegExp(`status ${status}.*GET`));
    assert.equal(calls.length, 1);
  }
  for (const location of [undefined, "http://[broken"]) {
    const { url } = await serve((_, response) => response.writeHead(307, location ? { location } : {}).end());
    const error = await errorOf(ask(url));
    assert.ok(error instanceof InputError && error.code === "endpoint-redirect", String(error));
  }
  const { calls, url } = await serve((_, response, n) => response.writeHead(307, { location: `/${n}` }).end());
  const error = await errorOf(ask(url));
  assert.ok(error instanceof InputError && error.code === "endpoint-redirect", String(error));
  assert.equal(calls.length, 6, "five are followed");
});

test("user:password@ of an address becomes a Basic authorization, and is in no name", async () => {
  const { calls, port } = await serve((_, response) => right(response));
  const teacher = httpTeacher({
    url: `http://m%C3%A9:p%40ss%3Aw@127.0.0.1:${port}/x?key=1`,
    classes: 3,
    answers: "labels",
  });
  await teacher.answer(data, ONE);
  assert.equal(calls[0]?.headers.authorization, `Basic ${Buffer.from("mé:p@ss:w").toString("base64")}`);
  assert.equal(calls[0]?.path, "/x?key=1");
  assert.equal(teacher.name, `http://127.0.0.1:${port}/x`);
  assert.ok(!teacher.hash.includes("p%40ss") && !teacher.hash.includes("key"), teacher.hash);
  assert.throws(
    () => ask(`http://a:b@127.0.0.1:${port}/`, { headers: { Authorization: "Bearer x" } }),
    (e: unknown) => e instanceof InputError && e.code === "option-conflict",
  );
  assert.throws(
    () => ask(`http://127.0.0.1:${port}/`, { headers: { "x-key": "line\nbreak-of-a-secret" } }),
    (e: unknown) =>
      e instanceof InputError && e.where === "teacher.headers.x-key" && !/break-of/.test(e.message + e.stack),
  );
});

test("a copy with masked secrets is not asked with them: the field is named", async () => {
  const { calls, url } = await serve((_, response) => right(response));
  for (const [options, field] of [
    [{ url, headers: { a: "$X", authorization: "Bearer ***" } }, "teacher.headers.authorization"],
    [{ url: `${url}/?token=***` }, "teacher.url"],
    [{ url: url.replace("//", "//***@") }, "teacher.url"],
  ] as const) {
    const error = await errorOf(ask(options.url, options));
    assert.ok(error instanceof InputError, String(error));
    assert.deepEqual([error.code, error.where], ["secret-missing", field]);
  }
  assert.equal(calls.length, 0);
});

test("Retry-After is read in seconds and as each of the three dates", () => {
  const now = Date.UTC(2026, 2, 1, 12, 0, 0);
  const cases: [string | null, number | undefined][] = [
    ["5", 5000],
    [" 0 ", 0],
    ["1.5", 1500],
    ["-5", -5000],
    ["Sun, 01 Mar 2026 12:00:30 GMT", 30_000],
    ["Sunday, 01-Mar-26 12:01:00 GMT", 60_000],
    ["Sun Mar  1 12:00:10 2026", 10_000],
    ["Sun, 01 Mar 2026 11:59:00 GMT", -60_000],
    ["Thu, 01 Jan 1970 00:00:00 GMT", -now],
    [null, undefined],
    ["", undefined],
    ["soon", undefined],
    ["5 seconds", undefined],
    ["Sun, 99 Foo 2026", undefined],
    ["NaN", undefined],
  ];
  for (const [header, expected] of cases) assert.equal(retryAfter(header, now), expected, String(header));
});

test("a past, negative or unreadable wish means the ordinary wait, never none", async () => {
  for (const wish of ["0", "-5", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"]) {
    const { calls, url } = await serve((_, response, n) => {
      if (n < 3) response.writeHead(n === 1 ? 429 : 503, { "retry-after": wish }).end();
      else right(response);
    });
    await ask(url, { retryMs: 40 });
    const [a, b, c] = calls.map((call) => call.at) as [number, number, number];
    assert.ok(b - a >= 38 && c - b >= 78, `${wish}: ${b - a} and ${c - b} ms`);
  }
});

test("a wish is waited for, in seconds and as a date, and told of when it is long", async () => {
  const date = (): string => new Date(Date.now() + 2000).toUTCString();
  for (const wish of [() => "1", date]) {
    const { calls, url } = await serve((_, response, n) => {
      if (n === 1) response.writeHead(429, { "retry-after": wish() }).end();
      else right(response);
    });
    await ask(url, { retries: 1 });
    const [a, b] = calls.map((call) => call.at) as [number, number];
    // Dates have no fractions of a second.
    assert.ok(b - a >= 950 && b - a < 10_000, `${b - a} ms`);
  }
  const { url } = await serve((_, response) => response.writeHead(503, { "retry-after": "7" }).end("in a moment"));
  const told: [number, string][] = [];
  const controller = new AbortController();
  const onWait = (seconds: number, reason: string): void => {
    told.push([seconds, reason]);
    controller.abort();
  };
  await assert.rejects(ask(url, { onWait }, controller.signal), InterruptedError);
  assert.deepEqual(told, [[7, "status 503: in a moment"]]);
});

test("a wish beyond the longest wait ends with its own error, and says until when", async () => {
  const started = performance.now();
  const far = new Date(Date.now() + 3600_000);
  for (const [wish, maxWaitSeconds, until] of [
    ["301", undefined, true],
    ["99999999", undefined, true],
    ["9".repeat(400), undefined, false],
    ["99999999999999", undefined, false],
    [far.toUTCString(), undefined, true],
    ["2", 1, true],
  ] as const) {
    const { calls, url } = await serve((_, response) =>
      response.writeHead(429, { "retry-after": wish }).end("quota is used up"),
    );
    const error = await errorOf(ask(url, { maxWaitSeconds }));
    assert.ok(error instanceof RunError, String(error));
    assert.deepEqual([error.code, error.where], ["endpoint-wait", `${url}`]);
    assert.match(error.found, /status 429: quota is used up/);
    assert.match(error.expected ?? "", new RegExp(`\\b${maxWaitSeconds ?? 300} s\\b`));
    assert.match(error.cure ?? "", /--resume/);
    const day = /until (\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d UTC/.exec(error.found)?.[1];
    assert.equal(day !== undefined, until, error.found);
    if (wish === far.toUTCString()) assert.ok(error.found.includes(far.toISOString().slice(0, 16).replace("T", " ")));
    assert.equal(calls.length, 1);
  }
  assert.ok(performance.now() - started < 10_000);
  // A function may wish too.
  const teacher = functionTeacher({
    name: "mine",
    classes: 3,
    answers: "labels",
    ask: () => Promise.reject(new AskError("busy", { afterMs: Number.POSITIVE_INFINITY })),
  });
  const error = await errorOf(teacher.answer(data, ONE));
  assert.ok(error instanceof RunError && error.code === "endpoint-wait" && error.where === "mine");
});

test("waits and time-outs longer than timers can be do not end at once", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 60);
  const started = performance.now();
  await sleep(2 ** 40, controller.signal);
  assert.ok(performance.now() - started >= 55);
  const slow = functionTeacher({
    name: "slow",
    classes: 3,
    answers: "labels",
    retries: 0,
    timeoutSeconds: 1e9,
    ask: async () => {
      await sleep(30);
      return [1];
    },
  });
  assert.deepEqual([...(await slow.answer(data, ONE))], [0, 1, 0]);
});

/** Aborts after a moment and returns how long the work took from then on. */
async function stopped(work: (signal: AbortSignal) => Promise<unknown>, afterMs = 80): Promise<number> {
  const controller = new AbortController();
  const running = errorOf(work(controller.signal));
  await sleep(afterMs);
  const started = performance.now();
  controller.abort();
  const error = await running;
  assert.ok(error instanceof InterruptedError, String(error));
  return performance.now() - started;
}

test("an abort ends a hanging call, a wait and a limited rate at once", async () => {
  const hanging = await serve(() => {});
  assert.ok((await stopped((signal) => ask(hanging.url, {}, signal))) < 500);
  const half = await serve((_, response) => {
    response.writeHead(200).write('{"outputs": [');
  });
  assert.ok((await stopped((signal) => ask(half.url, {}, signal))) < 500);
  const busy = await serve((_, response) => response.writeHead(429, { "retry-after": "200" }).end());
  assert.ok((await stopped((signal) => ask(busy.url, {}, signal))) < 500);
  assert.equal(busy.calls.length, 1);
  const limited = functionTeacher({
    name: "limited",
    classes: 3,
    answers: "labels",
    batch: 1,
    callsPerSecond: 0.01,
    ask: () => [1],
  });
  assert.ok((await stopped((signal) => limited.answer(data, Uint32Array.of(1, 2), signal))) < 500);
  // One that is aborted already is not asked at all.
  let asked = 0;
  const counted = functionTeacher({ name: "c", classes: 3, answers: "labels", ask: () => [asked++] });
  await assert.rejects(counted.answer(data, ONE, AbortSignal.abort()), InterruptedError);
  assert.equal(asked, 0);
});

test("an abort reaches a function that looks at its signal, and does not wait for one that does not", async () => {
  let seen = false;
  const make = (listens: boolean) =>
    functionTeacher({
      name: "mine",
      classes: 3,
      answers: "labels",
      ask: ({ signal }) =>
        new Promise<number[]>((_, reject) => {
          if (listens)
            signal.addEventListener("abort", () => {
              seen = true;
              reject(new Error("stopped"));
            });
        }),
    });
  assert.ok((await stopped((signal) => make(true).answer(data, ONE, signal))) < 500);
  assert.ok(seen);
  const deaf = make(false);
  assert.ok((await stopped((signal) => deaf.answer(data, ONE, signal))) < 500);
  // Through whatever stands before it, and through labelling.
  const around = groupTeacher([partialTeacher(deaf, [0, 1, 2], 3), make(true)], { combine: "merge" });
  assert.ok((await stopped((signal) => around.answer(data, ONE, signal))) < 500);
  const labelling = errorOf(labelInMemory(deaf, data, ONE, { signal: AbortSignal.timeout(50) }));
  const error = await labelling;
  assert.ok(error instanceof InterruptedError);
  assert.match(error.message, /after 0 of 1 samples/);
});
