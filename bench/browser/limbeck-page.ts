/** limbeck's side of a page: the training core of `limbeck/web` over a prepared workload. */
/// <reference lib="dom" />
import { dataFromArrays } from "../../src/learn/data/assemble.js";
import { createInlineExecutor } from "../../src/engine/runtime/inline-executor.js";
import { webRuntime } from "../../src/engine/runtime/web.js";
import type { WebModule } from "../../src/engine/runtime/web-module.js";
import type { PreparedWorkload } from "../harness/prepare.js";
import type { Losses, Timing } from "../harness/protocol.js";
import { holdLoop, taskOf } from "../limbeck/held.js";

/** What a page offers to its driver. */
export interface PageBench {
  readonly detail: string;
  readonly parameters: number;
  readonly openSeconds: number;
  losses(): Promise<Losses>;
  run(seconds: number): Promise<Timing>;
}

/** @param at where the workload's files are served */
export async function openLimbeck(ort: WebModule, at: string, threads: number): Promise<PageBench> {
  const start = performance.now();
  const read = async (name: string): Promise<Response> => fetch(`${at}/${name}`);
  const buffer = async (name: string): Promise<ArrayBuffer> => (await read(name)).arrayBuffer();
  const workload = (await (await read("workload.json")).json()) as PreparedWorkload;
  const data = dataFromArrays(
    {
      name: workload.name,
      samples: new Float32Array(await buffer("samples.f32")),
      sampleShape: workload.inputShape,
      labels: new Int32Array(await buffer("labels.i32")),
      classes: Array.from({ length: workload.classes }, (_, i) => String(i)),
    },
    () => "",
  );
  const logits = workload.objective.distillationLoss ? new Float32Array(await buffer("teacher.f32")) : undefined;
  const runtime = await webRuntime({ ort, device: "cpu", threads });
  const { loop, parameters } = await holdLoop(
    taskOf(workload, data, logits, threads),
    {
      createExecutor: (config, initial) => createInlineExecutor(runtime, config, initial),
      target: "plain",
      environment: "",
      log: { bytes: 0, append() {} },
    },
    start,
  );
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return {
    detail: `onnxruntime-web ${(ort.env as typeof import("onnxruntime-web").env).versions.web}, wasm, ${isolated ? threads : 1} threads`,
    parameters,
    openSeconds: (performance.now() - start) / 1000,
    losses: async () => ({ losses: await loop.losses(workload.comparedSteps) }),
    run: (seconds) => loop.run(seconds),
  };
}
