/** Where a training step's time goes: `npm run bench -- --profile --only resnet20`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeProfile, summariseProfile, type TraceEvent } from "../harness/trace.js";
import { COMPARED_STEPS } from "../workloads.js";
import { openLoop } from "./loop.js";

/** Steps timed without the profiler, then traced with it: both in this process, one after the other. */
export async function profileWorkload(folder: string, threads: number, seconds: number, top: number): Promise<string> {
  const plain = await openLoop(folder, threads);
  await plain.loop.losses(COMPARED_STEPS);
  const timing = await plain.loop.run(seconds);
  await plain.loop.dispose();
  const traces = mkdtempSync(join(tmpdir(), "limbeck-profile-"));
  try {
    const traced = await openLoop(folder, threads, join(traces, "trace"));
    await traced.loop.losses(COMPARED_STEPS);
    await traced.loop.run(seconds);
    await traced.loop.dispose();
    const events = readdirSync(traces).flatMap(
      (name) => JSON.parse(readFileSync(join(traces, name), "utf8")) as TraceEvent[],
    );
    const { build, compile, open } = plain.seconds;
    const opening = [build, compile, open].map((s) => `${(1000 * s).toFixed(0)} ms`);
    return [
      `step: ${((1000 * timing.seconds) / timing.steps).toFixed(3)} ms without the profiler (${timing.steps} steps)`,
      `opening: model ${opening[0]}, compile ${opening[1]}, executor ${opening[2]}`,
      describeProfile(summariseProfile(events, COMPARED_STEPS), top),
    ].join("\n");
  } finally {
    rmSync(traces, { recursive: true, force: true });
  }
}
