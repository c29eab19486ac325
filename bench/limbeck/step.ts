/** limbeck's runner of a step workload: `node step.js <folder> <threads>`. */
import { createRequire } from "node:module";
import { packageVersion } from "../../src/node/package-root.js";
import { blockSize } from "../../src/node/block.js";
import { COMPARED_STEPS } from "../workloads.js";
import { openLoop } from "./loop.js";
import { serve } from "./serve.js";

const [folder, threads] = process.argv.slice(2) as [string, string];
const { loop, parameters, seconds } = await openLoop(folder, Number(threads));
const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
const block = await blockSize();
await serve(
  {
    version: `limbeck ${packageVersion()}`,
    detail: `onnxruntime-node ${version}, Node ${process.versions.node}, ${block ? `blocks of ${block}` : "plain graphs"}`,
    parameters,
    openSeconds: seconds.build + seconds.compile + seconds.open,
  },
  {
    losses: async () => ({ losses: await loop.losses(COMPARED_STEPS) }),
    run: (s) => loop.run(s),
    dispose: () => loop.dispose(),
  },
);
