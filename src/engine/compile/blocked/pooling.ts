/** Pools over windows in the blocked layout. */
import type { OpCall, Value } from "../../graph/builder.js";
import type { Node } from "../../graph/types.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { poolWindow } from "../../ops/pooling.js";
import { maxPoolGradient } from "../../ops/pooling-gradient.js";
import { type Window, windowAttributes } from "../../ops/window.js";
import type { BlockedForm, BlockedLayout } from "./layout.js";

/** Without indices; whoever reads them gets the plain pool. */
export const blockedMaxPool: BlockedForm = (call, layout, node) => {
  const x = call.inputs[0] as Value;
  if (!layout.holds(x) || x.dtype !== "float32" || readsIndices(layout, node)) return undefined;
  const y = pool(call, layout, x);
  // The gradient's blocked form takes no indices: the name is never read.
  return [y, { name: `${y.name}/indices`, dtype: "int64", shape: y.shape }];
};

/** Gradients read indices too, but their blocked form does without. */
function readsIndices(layout: BlockedLayout, node: Node): boolean {
  const name = node.outputs[1] ?? "";
  return name !== "" && (layout.uses.get(name) ?? 0) > (layout.gradientUses.get(name) ?? 0);
}

export const blockedAveragePool: BlockedForm = (call, layout) => {
  const x = call.inputs[0] as Value;
  return layout.holds(x) && x.dtype === "float32" ? [pool(call, layout, x)] : undefined;
};

function pool(call: OpCall, layout: BlockedLayout, x: Value): Value {
  const { count_include_pad, ceil_mode } = call.attributes;
  const attributes = {
    ...windowAttributes(poolWindow(call)),
    ...(count_include_pad && call.op === "AveragePool" ? { count_include_pad } : {}),
    ...(ceil_mode ? { ceil_mode } : {}),
  };
  const y = layout.builder.op(call.op, [layout.blocked(x)], attributes, { domain: NCHWC_DOMAIN });
  return layout.take(y, x.shape[1] as number);
}

/** The plain form over [N, C'/b, H, W, b], whose last axis is a window of one. */
export const blockedMaxPoolGradient: BlockedForm = (call, layout) => {
  const [x, y, , g] = call.inputs as [Value, Value, Value, Value];
  if (!layout.holds(y)) return undefined;
  const w = poolWindow(call);
  const lane = (values: readonly number[], last: number): number[] => [...values, last];
  const window: Window = {
    input: lane(w.input, layout.block),
    kernel: lane(w.kernel, 1),
    strides: lane(w.strides, 1),
    dilations: lane(w.dilations, 1),
    begin: lane(w.begin, 0),
    end: lane(w.end, 0),
    output: lane(w.output, layout.block),
  };
  const [xs, ys, gs] = [x, y, g].map((v) => layout.lanes(layout.blocked(v))) as [Value, Value, Value];
  const dx = maxPoolGradient(layout.builder, xs, ys, gs, window);
  return [layout.take(layout.fromLanes(dx), x.shape[1] as number)];
};
