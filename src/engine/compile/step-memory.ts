/** What losses keep from step to step, and the samples they may know of besides the batch's. */
import { InputError } from "../../base/errors.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s, sizeOf } from "../graph/tensor.js";
import { drawValues } from "../nn/initialisers.js";
import type { LossMemory, LossState, ParameterStart } from "../objective/types.js";
import { Random } from "../random/random.js";
import type { BufferSlot } from "../runtime/types.js";
import { OTHERS, ROWS, type StepInputs } from "./step-inputs.js";

export interface MemoryOptions {
  readonly batch: number;
  readonly blended?: boolean;
  /** Counts the different training samples, for losses that remember them. */
  readonly samples?: () => number;
  /** Where only some rows of a loss's table change, give the whole table all the same: where it stays on a device. */
  readonly wholeTables?: boolean;
  /** Of the start values of the losses' own parameters; default 0. */
  readonly seed?: number;
}

/** What a loss keeps: its value in this step and in the next. */
export interface State {
  readonly value: Value;
  readonly start: () => Float32Array;
  next?: Value;
  /** Input with the numbers of the rows that `next` holds; absent: all. */
  readonly rows?: Value;
}

/**
 * Numbers of samples are inputs; state is fed and fetched as running statistics are.
 * @param states takes what is kept
 */
export function memoryOf(b: GraphBuilder, options: MemoryOptions, inputs: StepInputs, states: State[]): LossMemory {
  const { batch, samples, seed = 0 } = options;
  if (!samples) throw new Error("a loss remembers samples, and how many there are was not said");
  if (options.blended)
    throw new InputError({
      code: "option-conflict",
      where: "training.augment",
      found: "mixup and cutmix blend two samples, and the loss crd remembers single samples",
      cure: "Remove mixup and cutmix, or the loss crd",
    });
  const keep = (id: string, shape: readonly number[], start: ParameterStart, rows?: Value): LossState => {
    const value = b.input(`step/state/${id}`, "float32", shape);
    const state: State = { value, start: () => startOf(value, start, seed), ...(rows ? { rows } : {}) };
    states.push(state);
    return {
      value,
      become(next) {
        if (state.next) throw ofLoss(value.name, "the loss sets its next value twice", "Call become once");
        state.next = next;
      },
    };
  };
  const rows = (): Value => inputs.input(ROWS, [batch]);
  return {
    get count() {
      return samples();
    },
    get rows() {
      return rows();
    },
    others: (id, count) => inputs.input(OTHERS + id, [count]),
    state: (id, shape, start) => keep(id, shape, start),
    table: (id, width, start) => keep(id, [samples(), width], start, rows()),
  };
}

/** The error for what a loss of one's own does with its state or parameters. */
const ofLoss = (name: string, found: string, cure: string): InputError =>
  new InputError({ code: "option-invalid", where: `state "${name}" of a loss`, found, cure });

/** The buffer that holds a state, once the loss has said what becomes of it. */
export function stateSlot(b: GraphBuilder, { value, next, rows }: State, whole: boolean): BufferSlot {
  const { name, shape } = value;
  if (!next) throw ofLoss(name, "the loss does not set its next value", "Call become on it");
  const update = `step/update/${name}`;
  const expected = rows ? [...rows.shape, ...shape.slice(1)] : shape;
  if (next.shape.join() !== expected.join())
    throw ofLoss(name, `its next value is [${next.shape}]`, `Give become a value of [${expected}]`);
  if (rows && !whole) {
    b.output(next, update);
    return { name, shape, update, rows: rows.name, ofLoss: true };
  }
  const places = rows && b.op("Unsqueeze", [rows, b.constant(int64s([1]))]);
  b.output(places ? b.op("ScatterND", [value, places, next]) : next, update);
  return { name, shape, update, ofLoss: true };
}

/** Values that a parameter or state of a loss starts with: drawn by its own name, or as given. */
export function startOf({ name, shape }: Value, start: ParameterStart, seed: number): Float32Array {
  if (start.kind !== "values") return drawValues(start, sizeOf(shape), () => new Random(seed, name));
  if (start.values.length !== sizeOf(shape))
    throw ofLoss(name, `it is [${shape}] and has ${start.values.length} start values`, `Give ${sizeOf(shape)}`);
  return start.values;
}
