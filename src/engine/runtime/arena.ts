/**
 * All state of a training in one WebAssembly memory:
 * parameters | gradients | accumulators | moments | averages | buffers | saved buffers | buffer updates | buffer averages.
 *
 * The first five kinds of region share one layout: parameters under weight decay first, then the others, so that a
 * kernel updates each group in one call. Slots are padded with zeros, which every kernel leaves zero.
 */
import { mismatch } from "./faults.js";
import { allocateMemory, createKernels, type Kernels, type LinearMemory } from "./kernels.js";

export interface ArenaSlot {
  readonly name: string;
  /** Number of float32 elements. */
  readonly size: number;
}

export interface ArenaOptions {
  readonly parameters: readonly (ArenaSlot & { readonly decay: boolean })[];
  /** `updated`: the step gives it a new value, all of it. */
  readonly buffers: readonly (ArenaSlot & { readonly updated: boolean })[];
  /** Moments a parameter: 1 for SGD, 2 for Adam. */
  readonly moments: number;
  /** Whether gradients are accumulated over micro-batches. */
  readonly accumulate: boolean;
  /** Whether weights are averaged; default: no, and no memory is taken. */
  readonly average?: boolean;
}

/** A region of the memory, in bytes. */
export interface Region {
  readonly offset: number;
  readonly bytes: number;
}

/** Slots start on a cache line; the kernels need 16. */
const ALIGNMENT = 64;

export class Arena {
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  readonly parameters: Region;
  readonly gradients: Region;
  /** Where the update reads gradients: the accumulators, or the gradients themselves without accumulation. */
  readonly accumulators: Region;
  readonly moments: readonly Region[];
  /** Averages of the parameters; null without averaging. */
  readonly averages: Region | null;
  readonly buffers: Region;
  /** The updated buffers as they were before the step. */
  readonly savedBuffers: Region;
  /** New values of the updated buffers, which are the front of the buffer-shaped regions. */
  readonly bufferUpdates: Region;
  /** Averages of the updated buffers; null without averaging. */
  readonly bufferAverages: Region | null;
  /** Bytes at the front of each parameter-shaped region that weight decay applies to. */
  readonly decayedBytes: number;
  readonly #parameterLayout: Layout;
  readonly #bufferLayout: Layout;

  constructor(options: ArenaOptions) {
    const decayed = options.parameters.filter((p) => p.decay);
    this.#parameterLayout = new Layout([...decayed, ...options.parameters.filter((p) => !p.decay)]);
    const updated = options.buffers.filter((b) => b.updated);
    this.#bufferLayout = new Layout([...updated, ...options.buffers.filter((b) => !b.updated)]);
    this.decayedBytes = new Layout(decayed).bytes;
    let end = 0;
    const region = (bytes: number): Region => {
      const made = { offset: end, bytes };
      end += bytes;
      return made;
    };
    const { bytes } = this.#parameterLayout;
    this.parameters = region(bytes);
    this.gradients = region(bytes);
    this.accumulators = options.accumulate ? region(bytes) : this.gradients;
    this.moments = Array.from({ length: options.moments }, () => region(bytes));
    this.averages = options.average ? region(bytes) : null;
    this.buffers = region(this.#bufferLayout.bytes);
    const updates = new Layout(updated).bytes;
    this.savedBuffers = region(updates);
    this.bufferUpdates = region(updates);
    this.bufferAverages = options.average ? region(updates) : null;
    this.memory = allocateMemory(end);
    this.kernels = createKernels(this.memory);
  }

  /** Views: valid as long as the arena. */
  parameter(name: string): Float32Array {
    return this.#view(this.parameters, this.#parameterLayout, name);
  }

  gradient(name: string): Float32Array {
    return this.#view(this.gradients, this.#parameterLayout, name);
  }

  /** Moment `index` of a parameter: 0 is momentum or the first moment, 1 the second. */
  moment(name: string, index: number): Float32Array {
    return this.#view(this.moments[index] as Region, this.#parameterLayout, name);
  }

  buffer(name: string): Float32Array {
    return this.#view(this.buffers, this.#bufferLayout, name);
  }

  bufferUpdate(name: string): Float32Array {
    return this.#view(this.bufferUpdates, this.#bufferLayout, name);
  }

  /** Average of a parameter or an updated buffer; undefined when there is none, as of a buffer that stays as it is. */
  average(name: string): Float32Array | undefined {
    if (!this.averages || !this.bufferAverages) return undefined;
    if (this.hasParameter(name)) return this.#view(this.averages, this.#parameterLayout, name);
    const offset = this.#bufferLayout.slots.get(name)?.offset;
    if (offset === undefined || offset >= this.bufferAverages.bytes) return undefined;
    return this.#view(this.bufferAverages, this.#bufferLayout, name);
  }

  get bufferNames(): readonly string[] {
    return [...this.#bufferLayout.slots.keys()];
  }

  hasParameter(name: string): boolean {
    return this.#parameterLayout.slots.has(name);
  }

  hasBuffer(name: string): boolean {
    return this.#bufferLayout.slots.has(name);
  }

  /** View of a parameter or buffer: what a graph is fed under that name; undefined when there is none. */
  state(name: string): Float32Array | undefined {
    if (this.hasParameter(name)) return this.parameter(name);
    return this.hasBuffer(name) ? this.buffer(name) : undefined;
  }

  #view(region: Region, layout: Layout, name: string): Float32Array {
    const slot = layout.slots.get(name);
    if (!slot) throw mismatch("training state", `it has no entry "${name}"`);
    return new Float32Array(this.memory.buffer, region.offset + slot.offset, slot.size);
  }
}

/** Where each slot lies within a region. */
class Layout {
  readonly slots = new Map<string, { readonly offset: number; readonly size: number }>();
  readonly bytes: number;

  constructor(slots: readonly ArenaSlot[]) {
    let offset = 0;
    for (const { name, size } of slots) {
      if (this.slots.has(name)) throw mismatch("training state", `it has two entries "${name}"`);
      this.slots.set(name, { offset, size });
      offset += Math.ceil((size * 4) / ALIGNMENT) * ALIGNMENT;
    }
    this.bytes = offset;
  }
}
