/** limbeck's runner of labelling: `node label.js <folder> <threads>`. A step is one call of the teacher. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../src/engine/compile/export.js";
import { fromArrays } from "../../src/learn/data/dataset.js";
import { writeModel } from "../../src/engine/graph/write.js";
import { trainableModel } from "../../src/engine/models/model.js";
import { packageVersion } from "../../src/node/package-root.js";
import { openOnnxTeacher } from "../../src/learn/teacher/onnx.js";
import { openLabelStore } from "../../src/learn/teacher/store/store.js";
import { modelOf } from "../harness/model.js";
import type { PreparedWorkload } from "../harness/prepare.js";
import { serve } from "./serve.js";

const [folder, threads] = process.argv.slice(2) as [string, string];
const workload = JSON.parse(readFileSync(join(folder, "workload.json"), "utf8")) as PreparedWorkload;
const start = performance.now();
const { batch, sampleCount, classes, inputShape } = workload;
const data = fromArrays({
  name: workload.name,
  samples: new Float32Array(Uint8Array.from(readFileSync(join(folder, "samples.f32"))).buffer),
  sampleShape: inputShape,
  labels: new Int32Array(Uint8Array.from(readFileSync(join(folder, "labels.i32"))).buffer),
  classes: Array.from({ length: classes }, (_, i) => String(i)),
});
const model = modelOf(workload);
const stores = mkdtempSync(join(tmpdir(), "limbeck-label-"));
const path = join(stores, "teacher.onnx");
const plain = { normalisation: null, classes: data.classes, producerVersion: packageVersion() };
writeFileSync(path, writeModel(exportModel(trainableModel(model), new Map(), plain)));
const teacher = await openOnnxTeacher(
  path,
  data,
  Uint32Array.from({ length: 64 }, (_, i) => i),
  {
    outputs: "logits",
    layout: "nchw",
    resize: "none",
    normalisation: { scale: 1, mean: [0], std: [1] },
    batch,
    allowChance: true,
    threads: Number(threads),
  },
);
const openSeconds = (performance.now() - start) / 1000;
let passes = 0;
const once = async (): Promise<Float32Array> => {
  const at = join(stores, String(passes++));
  const { outputs } = await openLabelStore(at, teacher, data, { precision: "float32" });
  rmSync(at, { recursive: true });
  return outputs;
};

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
await serve(
  {
    version: `limbeck ${packageVersion()}`,
    detail: `onnxruntime-node ${version}, Node ${process.versions.node}`,
    parameters: model.parameterCount,
    openSeconds,
  },
  {
    losses: async () => ({ losses: Array.from((await once()).subarray(0, batch * classes)) }),
    async run(seconds) {
      const began = performance.now();
      let steps = 0;
      let first = Number.NaN;
      let elapsed = 0;
      while (elapsed < seconds) {
        first = (await once())[0] as number;
        steps += sampleCount / batch;
        elapsed = (performance.now() - began) / 1000;
      }
      return { steps, seconds: elapsed, loss: first };
    },
    async dispose() {
      await teacher.dispose();
      rmSync(stores, { recursive: true, force: true });
    },
  },
);
