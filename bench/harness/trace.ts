/** ONNX Runtime's profile traces, summed up. */

/** One event of a trace (Chrome's trace format); times in microseconds. */
export interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly ts: number;
  readonly args?: {
    readonly op_name?: string;
    readonly node_index?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

export interface ProfileLine {
  readonly name: string;
  /** Nodes a step. */
  readonly calls: number;
  /** Mean milliseconds a step. */
  readonly ms: number;
  /** Of the time inside nodes. */
  readonly share: number;
}

export interface ProfileSummary {
  /** Runs counted. */
  readonly runs: number;
  /** Mean milliseconds of a whole run of the graph, as ONNX Runtime measures it. */
  readonly runMs: number;
  /** Mean milliseconds of it spent inside nodes. */
  readonly nodeMs: number;
  /** By op type, longest first. */
  readonly ops: readonly ProfileLine[];
  /** By node, longest first; the name tells op, node and input shapes. */
  readonly nodes: readonly ProfileLine[];
}

const KERNEL = "_kernel_time";

/**
 * Sums a trace up.
 * @param skip runs left out at the start: the first ones also fill caches and plan memory
 */
export function summariseProfile(events: readonly TraceEvent[], skip = 0): ProfileSummary {
  const whole = events.filter((e) => e.cat === "Session" && e.name === "model_run").sort((a, b) => a.ts - b.ts);
  const counted = whole.slice(skip);
  const runs = counted.length;
  if (runs === 0) throw new Error(`the trace holds ${whole.length} runs, of which ${skip} are left out: none is left`);
  const from = (counted[0] as TraceEvent).ts;
  const kernels = events.filter((e) => e.cat === "Node" && e.name.endsWith(KERNEL) && e.ts >= from);
  const total = kernels.reduce((sum, e) => sum + e.dur, 0);
  const lines = (key: (e: TraceEvent) => string): ProfileLine[] => {
    const sums = new Map<string, { calls: number; us: number }>();
    for (const event of kernels) {
      const sum = sums.get(key(event)) ?? { calls: 0, us: 0 };
      sums.set(key(event), { calls: sum.calls + 1, us: sum.us + event.dur });
    }
    return [...sums]
      .map(([name, { calls, us }]) => ({ name, calls: calls / runs, ms: us / 1000 / runs, share: us / total }))
      .sort((a, b) => b.ms - a.ms);
  };
  return {
    runs,
    runMs: counted.reduce((sum, e) => sum + e.dur, 0) / 1000 / runs,
    nodeMs: total / 1000 / runs,
    ops: lines((e) => e.args?.op_name ?? "?"),
    nodes: lines((e) => `${e.args?.op_name ?? "?"} ${e.name.slice(0, -KERNEL.length)} ${inputShapes(e)}`.trim()),
  };
}

/** The summary as text: all op types, and the `top` longest nodes. */
export function describeProfile(profile: ProfileSummary, top: number): string {
  const { runs, runMs, nodeMs, ops, nodes } = profile;
  const count = (calls: number): string => calls.toFixed(Number.isInteger(calls) ? 0 : 1);
  const row = (l: ProfileLine): string =>
    `${l.ms.toFixed(3).padStart(9)} ${`${(100 * l.share).toFixed(1)} %`.padStart(7)} ${count(l.calls).padStart(6)}  ${l.name}`;
  return [
    `graph: ${runMs.toFixed(3)} ms a run over ${runs} runs with the profiler, ${nodeMs.toFixed(3)} ms of it inside nodes`,
    "",
    " ms/step   share  calls  op",
    ...ops.map(row),
    "",
    ` ms/step   share  calls  longest ${Math.min(top, nodes.length)} of ${nodes.length} nodes (op, node, input shapes)`,
    ...nodes.slice(0, top).map(row),
  ].join("\n");
}

function inputShapes(event: TraceEvent): string {
  const shapes = (event.args?.input_type_shape ?? []).flatMap((typed) => Object.values(typed));
  return shapes.map((shape) => `[${shape.join(",")}]`).join(" ");
}
