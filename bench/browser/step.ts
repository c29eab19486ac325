/** The runner of a workload in headless Chromium: `node step.js <folder> <threads> limbeck | wasm | cpu | webgl`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { packageRoot, packageVersion } from "../../src/node/package-root.js";
import type { Losses, Ready, Timing } from "../harness/protocol.js";
import { serve } from "../limbeck/serve.js";
import { findChromium } from "./chromium.js";
import { serveFiles } from "./serve-files.js";

const [folder, threads, system] = process.argv.slice(2) as [string, string, string];
const root = packageRoot();
const bundles = mkdtempSync(join(tmpdir(), "limbeck-browser-"));
await build({
  entryPoints: [join(root, "build-bench", "bench", "browser", "limbeck-page.js")],
  bundle: true,
  format: "esm",
  outfile: join(bundles, "limbeck.js"),
  external: ["onnxruntime-web"],
  nodePaths: [join(root, "node_modules")],
});
const modules = join(root, "bench", "peers", "node_modules");
const server = await serveFiles({
  "/workload/": folder,
  "/bundle/": bundles,
  "/ort/": join(root, "node_modules", "onnxruntime-web", "dist"),
  "/peers/": modules,
  "/pages/": join(root, "bench", "peers"),
});
const browser = await chromium.launch({ executablePath: findChromium() as string, args: ["--no-sandbox"] });

const OPEN: Readonly<Record<string, string>> = {
  limbeck: `(async () => {
    const ort = await import("/ort/ort.wasm.bundle.min.mjs");
    const { openLimbeck } = await import("/bundle/limbeck.js");
    return openLimbeck(ort, "/workload", ${Number(threads)});
  })()`,
};
const tfjs = (backend: string): string =>
  `import("/pages/tfjs_page.js").then(({ openTfjs }) => openTfjs("/workload", ${JSON.stringify(backend)}, ${Number(threads)}))`;
let failure: string | undefined;
try {
  await measure();
} catch (error) {
  // What the page says of itself, without the trace of its driver.
  failure = (error as Error).message.split("\n")[0];
}
await browser.close();
server.close();
rmSync(bundles, { recursive: true, force: true });
// Last: who reads it ends this process.
if (failure !== undefined) console.log(JSON.stringify({ error: failure }));
process.stdin.destroy();

async function measure(): Promise<void> {
  const page = await browser.newPage();
  await page.goto(server.address);
  if (system !== "limbeck") {
    await page.addScriptTag({ url: "/peers/@tensorflow/tfjs/dist/tf.min.js" });
    await page.addScriptTag({ url: "/peers/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js" });
  }
  const opened = (await page.evaluate(`(async () => {
  globalThis.bench = await ${OPEN[system] ?? tfjs(system)};
  const { detail, parameters, openSeconds } = bench;
  return { detail, parameters, openSeconds, isolated: crossOriginIsolated };
})()`)) as Omit<Ready, "ready" | "version"> & { isolated: boolean };
  if (!opened.isolated) throw new Error("the page is not cross-origin isolated: no threads");
  const { isolated: _, ...ready } = opened;
  const name = system === "limbeck" ? `limbeck ${packageVersion()}` : ready.detail.split(",")[0];
  await serve(
    { ...ready, version: `${name}, Chromium ${browser.version()}` },
    {
      losses: () => page.evaluate("bench.losses()") as Promise<Losses>,
      run: (seconds) => page.evaluate(`bench.run(${seconds})`) as Promise<Timing>,
      dispose: () => page.close(),
    },
  );
}
