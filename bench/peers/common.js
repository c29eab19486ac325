// What every JavaScript runner shares: the prepared workload, the protocol of bench/harness/protocol.ts, peak memory.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The files that bench/harness/prepare.ts wrote. */
export function readWorkload(folder) {
  const bytes = (name) => Uint8Array.from(readFileSync(join(folder, name))).buffer;
  const spec = JSON.parse(readFileSync(join(folder, "workload.json"), "utf8"));
  const weights = new Float32Array(bytes("weights.f32"));
  const order = new Int32Array(bytes("order.i32"));
  return {
    spec,
    parameters: spec.parameters.map(({ name, shape, offset }) => {
      const size = shape.reduce((product, d) => product * d, 1);
      return { name, shape, values: weights.slice(offset, offset + size) };
    }),
    samples: new Float32Array(bytes("samples.f32")),
    labels: new Int32Array(bytes("labels.i32")),
    teacher: new Float32Array(bytes("teacher.f32")),
    batches: Array.from({ length: order.length / spec.batch }, (_, i) =>
      order.subarray(i * spec.batch, (i + 1) * spec.batch),
    ),
  };
}

export { rowsOf } from "./tfjs_training.js";

/** Answers the driver. `step(rows)` makes one update and resolves to its loss. */
export async function serve(ready, step, { batches, spec }) {
  const say = (message) => console.log(JSON.stringify(message));
  say({ ready: true, ...ready });
  let done = 0;
  const next = () => step(batches[done++ % batches.length]);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.kind === "losses") {
      const losses = [];
      while (losses.length < spec.comparedSteps) losses.push(await next());
      say({ losses });
    } else if (request.kind === "run") {
      const start = performance.now();
      const first = done;
      let loss = Number.NaN;
      let seconds = 0;
      while (seconds < request.seconds) {
        loss = await next();
        seconds = (performance.now() - start) / 1000;
      }
      say({ steps: done - first, seconds, loss });
    } else break;
  }
  const high = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
  say({ peakBytes: high ? Number(high[1]) * 1024 : null });
  process.exit(0);
}
