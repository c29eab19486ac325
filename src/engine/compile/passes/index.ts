/** Passes over graphs: each a pure function in its own file, runnable by itself. */
import type { Graph } from "../../graph/types.js";
import { verifyTypedGraph } from "../verify.js";
import { commonSubexpressions } from "./common-subexpressions.js";
import { deadNodes } from "./dead-nodes.js";
import { padChannels } from "./pad-channels.js";

export interface Pass {
  readonly name: string;
  run(graph: Graph): Graph;
}

/** What every training graph goes through. */
export const defaultPasses: readonly Pass[] = [
  { name: "common-subexpressions", run: commonSubexpressions },
  { name: "dead-nodes", run: deadNodes },
];

/** The same for WebGPU, whose convolution has a hole. */
export const webgpuPasses: readonly Pass[] = [...defaultPasses, { name: "pad-channels", run: padChannels }];

/** Runs passes in order; with `verify` the graph is checked after each. */
export function runPasses(graph: Graph, passes: readonly Pass[], options: { readonly verify: boolean }): Graph {
  return passes.reduce((current, pass) => {
    const next = pass.run(current);
    if (options.verify) {
      try {
        verifyTypedGraph(next);
      } catch (cause) {
        throw new Error(`pass ${pass.name} broke the graph: ${(cause as Error).message}`, { cause });
      }
    }
    return next;
  }, graph);
}
