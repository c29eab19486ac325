/** Answers of functions and endpoints are numbers of the kind that was named, or errors that name the sample. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import {
  type AnswerKind,
  type Answers,
  fromArrays,
  functionTeacher,
  httpTeacher,
  InputError,
  openLabelStore,
} from "../../../src/index.js";

const servers: Server[] = [];
after(() => {
  for (const s of servers) s.close();
});

const data = fromArrays({
  samples: Array.from({ length: 10 }, (_, i) => [i, 10 * i]),
  labels: Array.from({ length: 10 }, (_, i) => i % 3),
  classes: ["a", "b", "c"],
});
const TWO = Uint32Array.of(4, 7);

/** For each kind an answer as it should be, and the row it becomes. */
const SOUND: Readonly<Record<AnswerKind, readonly [unknown, readonly number[]]>> = {
  logits: [
    [1, -2, 0.5],
    [1, -2, 0.5],
  ],
  probabilities: [
    [0.25, 0.5, 0.25],
    [0.25, 0.5, 0.25],
  ],
  "log-probabilities": [[Math.log(0.25), Math.log(0.5), Math.log(0.25)], [0.25, 0.5, 0.25].map(Math.log)],
  labels: [2, [0, 0, 1]],
  "top-k": [{ classes: [1], probabilities: [0.5] }, [0.25, 0.5, 0.25]],
};
const KINDS = Object.keys(SOUND) as AnswerKind[];

function teacherOf(kind: AnswerKind, outputs: unknown) {
  return functionTeacher({ name: "mine", classes: 3, answers: kind, retries: 0, ask: () => outputs as Answers });
}

/** The error for answers to samples 4 and 7. */
async function errorOf(kind: AnswerKind, outputs: unknown): Promise<InputError> {
  const error: unknown = await teacherOf(kind, outputs)
    .answer(data, TWO)
    .catch((e: unknown) => e);
  assert.ok(error instanceof InputError, `${kind}: ${String(error)}`);
  assert.deepEqual([error.code, error.where], ["endpoint-answer", "mine"]);
  assert.ok(error.expected, "what was expected is said");
  assert.ok(error.found.length < 200, error.found);
  return error;
}

test("what should be there becomes rows, of typed arrays too", async () => {
  for (const kind of KINDS) {
    const [answer, row] = SOUND[kind];
    const typed = Array.isArray(answer) ? Float64Array.from(answer as number[]) : answer;
    const found = await teacherOf(kind, [answer, typed]).answer(data, TWO);
    assert.deepEqual([...found], [...Float32Array.from([...row, ...row])], kind);
  }
  const zero = await teacherOf("labels", [-0, 0]).answer(data, TWO);
  assert.deepEqual([...zero], [1, 0, 0, 1, 0, 0]);
  const probabilities = await teacherOf("probabilities", [
    [-0, 1, 0],
    [0, 1, -0],
  ]).answer(data, TWO);
  assert.ok(probabilities.every((p) => !Object.is(p, -0)));
});

/** What no kind of answer is. */
const NEVER: readonly unknown[] = [null, undefined, "1", "0.5", true, false, {}, { a: 1 }, [], [[1, 2, 3]], Number.NaN];
/** What no number of a row is. */
const NO_NUMBERS: readonly unknown[] = [
  ...[null, undefined, "0.25", "", true, {}, [0.25], 1n],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e39, -1e300],
];

test("null, text, booleans, objects and lists are no answers of any kind", async () => {
  for (const kind of KINDS)
    for (const answer of NEVER) {
      const { found } = await errorOf(kind, [SOUND[kind][0], answer]);
      assert.match(found, /sample 7\b/);
      if (typeof answer === "string") assert.ok(found.includes(JSON.stringify(answer)), found);
      if (answer === null) assert.ok(found.includes("null"), found);
    }
});

test("every number of a row is a finite number, and the first that is not is named", async () => {
  for (const kind of ["logits", "probabilities", "log-probabilities"] as const) {
    const sound = SOUND[kind][0] as readonly number[];
    for (const value of NO_NUMBERS) {
      const { found } = await errorOf(kind, [[sound[0], value, sound[2]], sound]);
      assert.match(found, /sample 4\b.*value 1\b/);
    }
    // Sparse lists: what is left out is nothing.
    const sparse = [...sound];
    delete sparse[2];
    assert.match((await errorOf(kind, [sparse, sound])).found, /sample 4\b.*nothing.*value 2\b/);
    assert.match((await errorOf(kind, [sound, sound.slice(1)])).found, /sample 7\b.*2 values/);
    assert.match((await errorOf(kind, [[...sound, 0], sound])).found, /sample 4\b.*4 values/);
    assert.match((await errorOf(kind, ["abc", sound])).found, /sample 4\b.*"abc"/);
    assert.match((await errorOf(kind, [{ 0: 1, 1: 2, 2: 3, length: 3 }, sound])).found, /sample 4\b.*object/);
    assert.match((await errorOf(kind, [new Array(3), sound])).found, /sample 4\b.*nothing.*value 0\b/);
  }
});

test("probabilities and their logarithms sum to 1, and lie where they can", async () => {
  const cases: [AnswerKind, unknown, RegExp][] = [
    ["probabilities", [0.5, 0.2, 0.1], /sums to 0\.8$/],
    ["probabilities", [1, 2, 3], /sums to 6/],
    ["probabilities", [-0.5, 1, 0.5], /-0\.5 as value 0/],
    ["log-probabilities", [0.2, 0.5, 0.3], /0\.2 as value 0/],
    ["log-probabilities", [0, 0, 0], /sum to 3/],
    ["log-probabilities", [-1, -2, -3], /sum to 0\.55/],
    // Base 10.
    ["log-probabilities", [0.2, 0.5, 0.3].map(Math.log10), /sum to 1\./],
    ["log-probabilities", [0, -1000, 1e-2], /0\.01 as value 2/],
  ];
  for (const [kind, answer, message] of cases) {
    const { found } = await errorOf(kind, [answer, SOUND[kind][0]]);
    assert.match(found, message);
    assert.match(found, /sample 4\b/);
  }
  // Rounding is no error.
  await teacherOf("probabilities", [
    [0.3333, 0.3333, 0.3333],
    [0, 1, 0],
  ]).answer(data, TWO);
  await teacherOf("log-probabilities", [
    [-0.69, -1.39, -1.39],
    [0, -1000, -1000],
  ]).answer(data, TWO);
});

test("classes are whole numbers of the classes there are", async () => {
  for (const label of [3, -1, 0.5, Number.POSITIVE_INFINITY, "0", [0], new Number(1)])
    assert.match((await errorOf("labels", [0, label])).found, /sample 7\b/);
  const best = (classes: unknown, probabilities: unknown) => ({ classes, probabilities });
  const cases: [unknown, RegExp][] = [
    [best([1, 1], [0.1, 0.2]), /twice/],
    [best([1], [1.2]), /1\.2/],
    [best([0, 1], [0.7, 0.6]), /sum to 1\.3$/],
    [best([1], [-0.1]), /-0\.1/],
    [best([1], ["0.5"]), /"0\.5"/],
    [best([1], [null]), /null/],
    [best([1], [Number.NaN]), /NaN/],
    [best(["1"], [0.5]), /"1"/],
    [best([true], [0.5]), /true/],
    [best([3], [0.5]), /\b3\b/],
    [best([0.5], [0.5]), /0\.5/],
    [best([1, 2], [0.5]), /2 classes and 1 prob/],
    [best([], []), /0 classes/],
    [best(1, [0.5]), /\b1 as classes/],
    [best([1], 0.5), /0\.5 as probabilities/],
    [best("12", [0.5, 0.5]), /"12" as classes/],
    [best(new Array(1), [0.5]), /nothing/],
    // All classes are there: nothing is left for others.
    [best([0, 1, 2], [0.1, 0.2, 0.3]), /0\.6/],
  ];
  for (const [answer, message] of cases) {
    const { found } = await errorOf("top-k", [answer, SOUND["top-k"][0]]);
    assert.match(found, message);
    assert.match(found, /sample 4\b/);
  }
});

test("as many answers as samples: the first without one is named", async () => {
  for (const kind of KINDS) {
    const [answer] = SOUND[kind];
    assert.match((await errorOf(kind, [answer])).found, /1 answers? for 2 samples.*sample 7\b/);
    assert.match((await errorOf(kind, [])).found, /0 answers for 2 samples.*sample 4\b/);
    assert.match((await errorOf(kind, [answer, answer, answer])).found, /3 answers for 2 samples/);
    const sparse = [answer, answer];
    delete sparse[0];
    assert.match((await errorOf(kind, sparse)).found, /sample 4\b.*nothing/);
    for (const outputs of [null, undefined, "answers", 7, true, { 0: answer, 1: answer, length: 2 }, new Map()])
      assert.match((await errorOf(kind, outputs)).found, /sample 4\b/);
  }
});

test("what is found is shown short, without control characters, however large or strange it is", async () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const answer of [
    "x".repeat(1e6),
    "\u001b[2J\u0007",
    circle,
    { ["k".repeat(1e5)]: 1 },
    new Array(1e6).fill(0),
    () => 1,
  ]) {
    const { found, message } = await errorOf("labels", [answer, 1]);
    assert.ok(found.length < 200, String(found.length));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    assert.doesNotMatch(message, /[\u0000-\u001f]/);
  }
});

/** An endpoint that answers this text. */
async function endpoint(text: string | Buffer, headers: Record<string, string> = {}): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200, headers).end(text));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function answerOf(text: string | Buffer, answers: AnswerKind = "logits"): Promise<unknown> {
  const url = await endpoint(text);
  const teacher = httpTeacher({ url, classes: 3, answers, retries: 1, retryMs: 1 });
  return teacher.answer(data, TWO).catch((e: unknown) => e);
}

test("an endpoint's JSON is held to the same: null, text, 1e400, NaN as Python writes it", async () => {
  const wrong: [string, RegExp][] = [
    ['{"outputs": [[1,2,3],[1,null,3]]}', /sample 7\b.*null.*value 1\b/],
    ['{"outputs": [["1",2,3],[1,2,3]]}', /sample 4\b.*"1".*value 0\b/],
    ['{"outputs": [[1,2,1e400],[1,2,3]]}', /sample 4\b.*Infinity.*value 2\b/],
    ['{"outputs": [[1,2,3],[NaN,2,3]]}', /sample 7\b.*NaN.*value 0\b/],
    ['{"note": "NaN", "outputs": [[1,2,-Infinity],[1,2,3]]}', /sample 4\b.*-Infinity.*value 2\b/],
    ['{"outputs": [[1,2,3]]}', /1 answers? for 2 samples/],
    ['{"outputs": null}', /null for 2 samples/],
    ['{"outputs": [true, false]}', /sample 4\b.*true/],
    ["[[1,2,3],[1,2,3]]", /no "outputs"/],
    ["null", /no "outputs"/],
    ["", /empty/],
    ["<html><body>Sign in</body></html>", /not JSON: <html><body>Sign in/],
    ['{"outputs": [[1,2,3],', /not JSON/],
  ];
  for (const [text, message] of wrong) {
    const error = await answerOf(text);
    assert.ok(error instanceof InputError, `${text}: ${error}`);
    assert.equal(error.code, "endpoint-answer", text);
    assert.match(error.found, message, text);
  }
  assert.deepEqual(await answerOf('\ufeff{"outputs": [[1,2,3],[-0,0,1e-50]]}'), Float32Array.from([1, 2, 3, -0, 0, 0]));
  const long = await answerOf(`no JSON ${"x".repeat(1000)}`);
  assert.ok(long instanceof InputError && long.found.length < 150 && long.found.includes("no JSON xxx"));
});

test("an answer far larger than what was asked for is refused before it is read", async () => {
  let sent = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200);
      response.write('{"outputs": [');
      const more = (): void => {
        while (!response.destroyed && response.write("0,".repeat(50_000))) sent += 100_000;
      };
      response.on("drain", more).on("error", () => {});
      more();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = (address: string) =>
    httpTeacher({ url: address, classes: 3, answers: "labels", retries: 0 })
      .answer(data, TWO)
      .catch((e: unknown) => e);
  const refused = (error: unknown): void => {
    assert.ok(error instanceof InputError, String(error));
    assert.deepEqual([error.code, error.where.startsWith("http://127")], ["endpoint-answer", true]);
    assert.match(error.found, /longer than 1,0\d\d,\d\d\d bytes/);
  };
  refused(await ask(url));
  assert.ok(sent < 50e6, `${sent} bytes were sent`);
  // One that says so needs not be read at all.
  refused(await ask(await endpoint(Buffer.alloc(8 << 20, " "))));
  // As large as all classes need, written as widely as JSON can be.
  const classes = 2000;
  const row = Array.from({ length: classes }, (_, c) => c / 7);
  const wide = await endpoint(JSON.stringify({ outputs: [row, row] }, null, 16));
  const teacher = httpTeacher({ url: wide, classes, answers: "logits", retries: 0 });
  assert.equal((await teacher.answer(data, TWO)).length, 2 * classes);
});

test("bad answers end a labelling with exit code 2's error, and keep what was answered", async () => {
  const { mkdtempSync, rmSync, statSync } = await import("node:fs");
  const { join } = await import("node:path");
  const { tmpdir } = await import("node:os");
  const folder = mkdtempSync(join(tmpdir(), "limbeck-answers-"));
  const teacher = functionTeacher({
    name: "mine",
    classes: 3,
    answers: "labels",
    batch: 2,
    ask: ({ indices }) => [...indices].map((i) => (i === 5 ? null : i % 3)) as number[],
  });
  await assert.rejects(
    openLabelStore(folder, teacher, data, { precision: "float32" }),
    (e: unknown) => e instanceof InputError && /sample 5\b.*null/.test(e.found),
  );
  assert.equal(statSync(join(folder, "outputs.bin")).size, 4 * 3 * 4);
  rmSync(folder, { recursive: true });
});
