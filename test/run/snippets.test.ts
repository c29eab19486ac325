/** The code that a run puts beside its student, run as a user would: in Node, and in a browser from a web server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { writeModel } from "../../src/engine/graph/write.js";
import { distill } from "../../src/index.js";
import { openSession } from "../../src/node/session.js";
import { writeSnippets } from "../../src/run/folder/snippets.js";
import { openBrowser, withoutBrowser } from "../support/browser.js";

// Inside the project, so that the snippet finds onnxruntime-node as it would in a user's.
mkdirSync("build", { recursive: true });
const folder = mkdtempSync(join("build", "snippets-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const { directory, student } = await distill(
  {
    name: "snippets",
    seeds: 1,
    data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
    teacher: { model: { kind: "mlp", hidden: [16] }, training: { epochs: 1 } },
    student: { kind: "cnn", layers: [{ conv: 4, kernel: 3, padding: 1, batch_norm: true }, { flatten: true }] },
    training: { steps: 20, batch: 32 },
  },
  { out: join(folder, "run"), threads: 1 },
);

async function ownAnswer(): Promise<number[]> {
  const session = await openSession(student, { threads: 1 });
  const { logits } = await session.run({
    input: { dtype: "float32", shape: [1, 1, 8, 8], data: new Float32Array(64) },
  });
  await session.dispose();
  return Array.from(logits?.data as Float32Array);
}

function close(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  for (const [i, v] of expected.entries()) assert.ok(Math.abs((found[i] as number) - v) < 1e-5, `${found[i]} for ${v}`);
}

test("use-in-node.mjs prints what the student says", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(directory, "use-in-node.mjs")], {
    timeout: 60_000,
  });
  const values = /logits: \[([^\]]*)\]/.exec(stdout)?.[1]?.split(",").map(Number);
  close(values ?? [], await ownAnswer());
  assert.match(stdout, /best: \d/);
});

test("the snippets of a raw export normalise each channel as the data says", async () => {
  const value = (name: string, shape: (string | number)[]) => ({ name, dtype: "float32" as const, shape });
  const flatten = { name: "f", op: "Flatten", domain: "", inputs: ["image"], outputs: ["logits"], attributes: {} };
  const graph = {
    name: "flat",
    inputs: [value("image", ["n", 3, 2, 2])],
    outputs: [value("logits", ["n", 12])],
    nodes: [flatten],
    initializers: new Map(),
  };
  writeFileSync(join(folder, "flat.onnx"), writeModel({ graph, opsets: { "": 13 }, irVersion: 7, metadata: {} }));
  const normalisation = { scale: 1 / 255, mean: [0.5, 0.25, -1], std: [0.5, 2, 4] };
  const [node, browser] = await writeSnippets(folder, "flat.onnx", [3, 2, 2], { prefix: "flat-", normalisation });
  const { classify } = await import(pathToFileURL(resolve(node as string)).href);
  const values = Array.from({ length: 12 }, (_, i) => 20 * i);
  const expected = values.map((v, i) => {
    const c = Math.floor(i / 4);
    return (v / 255 - (normalisation.mean[c] as number)) / (normalisation.std[c] as number);
  });
  close((await classify(values)).logits, expected);
  // The browser's copy of the function is the same code.
  const code = (text: string): string => /const mean = [\s\S]*?\);\n/.exec(text)?.[0].replace(/^ +/gm, "") ?? "";
  const [first, second] = [node, browser].map((f) => code(readFileSync(f as string, "utf8")));
  assert.ok(first && first === second);
});

test("use-in-browser.html does so in Chromium, in wasm", { skip: withoutBrowser }, async () => {
  const types: Record<string, string> = {
    ".html": "text/html",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    if (path === "/favicon.ico") return void response.writeHead(204).end();
    const file = path.startsWith("/ort/")
      ? join("node_modules/onnxruntime-web/dist", path.slice(5))
      : join(directory, path);
    if (!existsSync(file)) return void response.writeHead(404).end();
    response
      .writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" })
      .end(readFileSync(file));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (e) => errors.push(String(e)));
    page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
    page.on("response", (r) => r.status() >= 400 && errors.push(`${r.status()} ${r.url()}`));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/use-in-browser.html`);
    const answered = page.waitForFunction("document.getElementById('out').textContent !== '...'", undefined, {
      timeout: 60_000,
    });
    await answered.catch((cause) => assert.fail(`${cause.message}\n${errors.join("\n")}`));
    assert.deepEqual(errors, []);
    const { best, logits } = JSON.parse(await page.locator("#out").innerText());
    const expected = await ownAnswer();
    close(logits, expected);
    assert.equal(best, expected.indexOf(Math.max(...expected)));
  } finally {
    await browser.close();
    server.close();
  }
});
