/** The runner's side of the protocol, for runners in TypeScript. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Farewell, Losses, Ready, Request, Timing } from "../harness/protocol.js";

export interface Runner {
  losses(): Promise<Losses>;
  run(seconds: number): Promise<Timing>;
  dispose(): Promise<void>;
}

/** Answers requests until asked to quit. */
export async function serve(ready: Omit<Ready, "ready">, runner: Runner): Promise<void> {
  const say = (message: Ready | Losses | Timing | Farewell): void => console.log(JSON.stringify(message));
  say({ ready: true, ...ready });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    if (request.kind === "losses") say(await runner.losses());
    else if (request.kind === "run") say(await runner.run(request.seconds));
    else break;
  }
  const peakBytes = peakMemory();
  await runner.dispose();
  say({ peakBytes });
  process.stdin.destroy();
}

/** Most memory this process ever had resident, in bytes; null where the system does not say. */
export function peakMemory(): number | null {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kilobytes) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux: the portable figure below.
  }
  // Kilobytes on every platform but macOS, where Node 20 hands on the kernel's bytes.
  const { maxRSS } = process.resourceUsage();
  return process.platform === "darwin" ? maxRSS : maxRSS * 1024;
}
