/** Keeps track of which values of a replayed graph lie in the blocked layout, and moves the others in and out of it. */
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, OpCall, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import type { Node } from "../../graph/types.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { maskOf, reshape, typeCode } from "../../ops/support.js";

/**
 * The blocked form of a call, or undefined where the plain one will do. Inputs and outputs are values as the plain graph
 * has them: ask the layout where they lie.
 */
export type BlockedForm = (call: OpCall, layout: BlockedLayout, node: Node) => readonly Value[] | undefined;

/**
 * A blocked value is known to the rest of the graph by a stand-in of its logical shape [N,C,H,W]; the value behind it has
 * the channels padded to whole blocks, [N,C',H,W], with memory [N, C'/b, H, W, b]. The padding stays finite and never
 * reaches a result: weights, scales and offsets are padded with zeros, and what leaves the layout is cut to C.
 */
export class BlockedLayout {
  readonly #behind = new Map<string, Value>();
  readonly #plain = new Map<string, Value>();
  readonly #reordered = new Map<string, Value>();
  readonly #notes = new Map<string, unknown>();

  /**
   * @param block channels a block: 8 or 16, as the processor has it
   * @param uses how often each value of the source graph is read
   * @param gradientUses how often gradients of pools read it
   */
  constructor(
    readonly builder: GraphBuilder,
    readonly block: number,
    readonly uses: ReadonlyMap<string, number>,
    readonly gradientUses: ReadonlyMap<string, number>,
  ) {}

  /** Channels padded to whole blocks. */
  padded(channels: number): number {
    return Math.ceil(channels / this.block) * this.block;
  }

  /** Whether a value lies in the layout. */
  holds(value: Value | undefined): boolean {
    return value !== undefined && this.#behind.has(value.name);
  }

  /** Takes a blocked value [N,C',H,W] in and returns what the rest of the graph knows it by. */
  take(behind: Value, channels: number): Value {
    const [n, , h, w] = behind.shape as [number, number, number, number];
    // One pixel a channel: both layouts are the same bytes.
    if (h === 1 && w === 1 && behind.shape[1] === channels) return behind;
    const standIn: Value = { name: `${behind.name}@blocked`, dtype: behind.dtype, shape: [n, channels, h, w] };
    this.#behind.set(standIn.name, behind);
    return standIn;
  }

  /** The blocked form [N,C',H,W] of a value [N,C,H,W]. */
  blocked(value: Value): Value {
    const held = this.#behind.get(value.name) ?? this.#reordered.get(value.name);
    if (held) return held;
    const b = this.builder;
    const [, c, h, w] = value.shape as [number, number, number, number];
    const extra = this.padded(c) - c;
    const filled = extra === 0 ? value : b.op("Pad", [value, b.constant(int64s([0, 0, 0, 0, 0, extra, 0, 0]))]);
    const made =
      h === 1 && w === 1
        ? filled
        : this.#asFloat(filled, (x) => b.op("ReorderInput", [x], {}, { domain: NCHWC_DOMAIN, name: "reorder_in" }));
    this.#reordered.set(value.name, made);
    return made;
  }

  /** The plain form of a value. */
  plain(value: Value): Value {
    const behind = this.#behind.get(value.name);
    if (!behind) return value;
    const known = this.#plain.get(value.name);
    if (known) return known;
    const channels = int(value.shape[1] as number);
    const made = this.#asFloat(behind, (x) =>
      this.builder.op("ReorderOutput", [x], { channels }, { domain: NCHWC_DOMAIN, name: "reorder_out" }),
    );
    this.#plain.set(value.name, made);
    return made;
  }

  /** [C] padded with zeros to [C']. */
  vector(value: Value): Value {
    const c = value.shape[0] as number;
    const extra = this.padded(c) - c;
    return extra === 0 ? value : this.builder.op("Pad", [value, this.builder.constant(int64s([0, extra]))]);
  }

  /** [C'] cut to [C]. */
  cut(value: Value, channels: number): Value {
    if (value.shape[0] === channels) return value;
    const b = this.builder;
    return b.op("Slice", [value, b.constant(int64s([0])), b.constant(int64s([channels])), b.constant(int64s([0]))]);
  }

  /** Blocked [N,C',H,W] as what its memory is: [N, C'/b, H, W, b]. */
  lanes(behind: Value): Value {
    const [n, c, h, w] = behind.shape as [number, number, number, number];
    return reshape(this.builder, behind, [n, c / this.block, h, w, this.block]);
  }

  /** [N, C'/b, H, W, b] as blocked [N,C',H,W]. */
  fromLanes(value: Value): Value {
    const [n, blocks, h, w, lanes] = value.shape as [number, number, number, number, number];
    return reshape(this.builder, value, [n, blocks * lanes, h, w]);
  }

  /** Whether an output of a source node is read once only, so that whoever reads it may take its producer's place. */
  readOnce(node: Node): boolean {
    return this.uses.get(node.outputs[0] as string) === 1;
  }

  /** Something one form leaves for another, by the name of a value. */
  note(key: string, what: unknown): void {
    this.#notes.set(key, what);
  }

  noted(key: string): unknown {
    return this.#notes.get(key);
  }

  /** ONNX Runtime reorders floats only. */
  #asFloat(value: Value, reorder: (x: Value) => Value): Value {
    if (value.dtype === "float32") return reorder(value);
    const float = maskOf(this.builder, value, { ...value, dtype: "float32" });
    return this.builder.op("Cast", [reorder(float)], { to: int(typeCode(value.dtype)) });
  }
}
