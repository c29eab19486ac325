/** Passes over graphs: each a pure function in its own file, runnable by itself. */
import { debug, since } from "../../../base/debug.js";
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

export interface PassOptions {
  /** Checks the graph after each pass. */
  readonly verify: boolean;
  /** Told of each pass. */
  readonly onPass?: (pass: string, before: Graph, after: Graph) => void;
}

/** Runs passes in order. @throws Error naming the pass that broke the graph, with `verify` */
export function runPasses(graph: Graph, passes: readonly Pass[], { verify, onPass }: PassOptions): Graph {
  return passes.reduce((current, pass) => {
    const started = performance.now();
    const next = pass.run(current);
    debug("compile")?.(
      `${graph.name}: ${pass.name} in ${since(started)}, nodes: ${current.nodes.length} -> ${next.nodes.length}`,
    );
    if (verify) checkAfter(pass, next);
    onPass?.(pass.name, current, next);
    return next;
  }, graph);
}

function checkAfter(pass: Pass, graph: Graph): void {
  const started = performance.now();
  try {
    verifyTypedGraph(graph);
  } catch (cause) {
    throw new Error(`pass ${pass.name} broke the graph: ${(cause as Error).message}`, { cause });
  }
  debug("verify")?.(
    `${graph.name}: valid after ${pass.name}, checked in ${since(started)}, nodes: ${graph.nodes.length}`,
  );
}
