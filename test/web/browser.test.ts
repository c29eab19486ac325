/** docs/browser.md as a user would follow it: its page and its worker in headless Chromium, next to Node. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { Distiller, fromArrays } from "../../src/index.js";
import { openSession } from "../../src/node/session.js";
import { assertClose } from "../engine/runtime/network.js";
import { openBrowser, withoutBrowser } from "../support/browser.js";
import { digits, teacherFor } from "./support.js";

const docs = readFileSync("docs/browser.md", "utf8");
const fence = (kind: string): string[] =>
  [...docs.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((m) => m[1] as string);
/** The compiled library, where a page finds limbeck. */
const compiled = dirname(dirname(fileURLToPath(import.meta.resolve("../../src/web/index.js"))));

const given = digits(500);
const teacher = await teacherFor(given);
const folder = mkdtempSync(join(tmpdir(), "limbeck-browser-"));
writeFileSync(join(folder, "index.html"), fence("html")[0] as string);
writeFileSync(join(folder, "data.json"), JSON.stringify(given));
writeFileSync(join(folder, "teacher.onnx"), teacher);

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

function fileOf(path: string): string {
  if (path.startsWith("/node_modules/limbeck/dist/")) return join(compiled, path.slice(27));
  return path.startsWith("/node_modules/") ? path.slice(1) : join(folder, path === "/" ? "index.html" : path);
}

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://x").pathname;
  if (path === "/favicon.ico") return void response.writeHead(204).end();
  const file = fileOf(path);
  if (!existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
  response
    .writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    })
    .end(readFileSync(file));
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let browser: Browser | undefined;
after(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openPage(path = "/"): Promise<{ page: Page; errors: string[] }> {
  browser ??= await openBrowser();
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (e) => errors.push(String(e)));
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  page.on("response", (r) => r.status() >= 400 && errors.push(`${r.status()} ${r.url()}`));
  await page.goto(address + path);
  return { page, errors };
}

/** Logits of an exported student in onnxruntime-node for the first samples. */
async function nodeLogits(student: Uint8Array, count: number): Promise<Float32Array> {
  const session = await openSession(student, { threads: 1 });
  const data = Float32Array.from(given.samples.slice(0, count).flat());
  const { logits } = await session.run({ input: { dtype: "float32", shape: [count, 1, 8, 8], data } });
  await session.dispose();
  return logits?.data as Float32Array;
}

test("the page of docs/browser.md distils in Chromium", { skip: withoutBrowser }, async () => {
  const { page, errors } = await openPage();
  const finished = page.waitForFunction("!document.getElementById('download').hidden", undefined, { timeout: 120_000 });
  await finished.catch((cause) => assert.fail(`${cause.message}\n${errors.join("\n")}`));
  assert.deepEqual(errors, []);
  const { accuracy, agreement } = JSON.parse(await page.locator("#out").innerText());
  assert.ok(accuracy > 0.9 && agreement > 0.9, `accuracy ${accuracy}, agreement ${agreement}`);
  const bytes = (await page.evaluate(
    "fetch(document.getElementById('download').href).then((r) => r.arrayBuffer()).then((b) => [...new Uint8Array(b)])",
  )) as number[];
  const logits = await nodeLogits(Uint8Array.from(bytes), given.labels.length);
  const right = given.labels.filter((label, i) => {
    const row = logits.subarray(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row)) === label;
  }).length;
  assert.equal(right / given.labels.length, accuracy, "the downloaded model is the one that was scored");
  await page.close();
});

test("a training in Chromium, two threads, follows Node's", { skip: withoutBrowser }, async () => {
  const { page } = await openPage();
  const found = (await page.evaluate(`(async () => {
    const { Distiller, fromArrays } = await import("limbeck/web");
    const { samples, labels } = await (await fetch("data.json")).json();
    const data = fromArrays({ samples, labels, sampleShape: [1, 8, 8] });
    const teacher = await (await fetch("teacher.onnx")).arrayBuffer();
    const distiller = new Distiller({ teacher, student: { kind: "mlp", hidden: [16] }, seed: 5, threads: 2 });
    distiller.compile({ alpha: 0.9, temperature: 4 });
    const losses = [];
    for (const steps of [1, 3]) losses.push((await distiller.fit(data, { steps })).curve[0].loss);
    const logits = await distiller.student.predict(data, Uint32Array.from({ length: 20 }, (_, i) => i));
    return { isolated: crossOriginIsolated, losses, logits: [...logits], student: [...distiller.student.bytes] };
  })()`)) as { isolated: boolean; losses: number[]; logits: number[]; student: number[] };
  assert.equal(found.isolated, true);
  const distiller = new Distiller({
    teacher: join(folder, "teacher.onnx"),
    student: { kind: "mlp", hidden: [16] },
    seed: 5,
    threads: 1,
  });
  distiller.compile({ alpha: 0.9, temperature: 4 });
  const data = fromArrays({ ...given, sampleShape: [1, 8, 8] });
  const losses: number[] = [];
  for (const steps of [1, 3]) losses.push((await distiller.fit(data, { steps })).curve[0]?.loss ?? Number.NaN);
  assertClose(found.losses, losses, 1e-5, "losses");
  assertClose(found.logits, await nodeLogits(Uint8Array.from(found.student), 20), 1e-5, "logits");
  await distiller.dispose();
  await page.close();
});

test("a training on WebGPU in Chromium follows the one in wasm", { skip: withoutBrowser }, async (t) => {
  const device = await openBrowser(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
  try {
    const page = await device.newPage();
    await page.goto(`${address}/index.html?`);
    const adapter = await page.evaluate(
      "navigator.gpu ? navigator.gpu.requestAdapter().then((a) => a !== null, () => false) : false",
    );
    if (!adapter) return t.skip("this Chromium offers no WebGPU adapter");
    const found = (await page.evaluate(`(async () => {
      const { Distiller, fromArrays } = await import("limbeck/web");
      const { samples, labels } = await (await fetch("data.json")).json();
      const data = fromArrays({ samples, labels, sampleShape: [1, 8, 8] });
      const teacher = await (await fetch("teacher.onnx")).arrayBuffer();
      const layers = [
        { conv: 6, batch_norm: true, activation: "relu" }, { max_pool: 2 }, { conv: 8, activation: "relu" }, { flatten: true },
      ];
      const losses = {};
      for (const device of ["cpu", "webgpu"]) {
        const distiller = new Distiller({ teacher, student: { kind: "cnn", layers }, seed: 5, threads: 1, device });
        distiller.compile({ alpha: 0.9, temperature: 4, clipNorm: 1 });
        const { curve } = await distiller.fit(data, { steps: 3, batchSize: 16 });
        losses[device] = [curve[0].loss, curve[0].nll];
        await distiller.dispose();
      }
      return losses;
    })()`)) as { cpu: number[]; webgpu: number[] };
    assertClose(found.webgpu, found.cpu, 1e-4, "loss and validation");
  } finally {
    await device.close();
  }
});

test("the worker of docs/browser.md trains, reports and stops", { skip: withoutBrowser }, async () => {
  writeFileSync(join(folder, "worker.js"), fence("javascript")[0] as string);
  await build({
    entryPoints: [join(folder, "worker.js")],
    bundle: true,
    format: "esm",
    outfile: join(folder, "worker.bundle.js"),
    external: ["/node_modules/*", "onnxruntime-web"],
    // In a user's project these are found in node_modules.
    alias: { "limbeck/web": join(compiled, "web", "index.js") },
    nodePaths: ["node_modules"],
  });
  writeFileSync(join(folder, "worker.html"), "<!doctype html><title>worker</title>");
  const { page, errors } = await openPage("/worker.html");
  const found = (await page.evaluate(`(async () => {
    const { samples, labels } = await (await fetch("data.json")).json();
    const teacher = await (await fetch("teacher.onnx")).arrayBuffer();
    const worker = new Worker("worker.bundle.js", { type: "module" });
    const talk = (epochs, stopAt) => new Promise((resolve, reject) => {
      let progress = 0;
      worker.onerror = (e) => reject(new Error(e.message));
      worker.onmessage = ({ data }) => {
        if (data.progress && ++progress === stopAt) worker.postMessage("stop");
        if (data.student) resolve({ progress, student: [...data.student], curve: data.curve });
        if (data.error) resolve({ progress, error: data.error });
      };
      worker.postMessage({ samples, labels, sampleShape: [1, 8, 8], teacher, epochs });
    });
    return { trained: await talk(60), stopped: await talk(100000, 3) };
  })()`)) as {
    trained: { progress: number; student: number[]; curve: { accuracy: number; loss: number }[]; error?: string };
    stopped: { error: string };
  };
  assert.deepEqual(errors, []);
  assert.equal(found.trained.error, undefined);
  assert.ok(found.trained.progress >= 30);
  const { curve } = found.trained;
  const [first, last] = [curve[0], curve[curve.length - 1]];
  assert.ok((last?.loss ?? 9) < 0.7 * (first?.loss ?? 0), JSON.stringify(curve));
  assert.equal((await nodeLogits(Uint8Array.from(found.trained.student), 3)).length, 30);
  assert.match(found.stopped.error, /^InterruptedError: student: stopped after step \d+ of \d+/);
  await page.close();
});
