/** Moves executor state in and out of the arena by name. */
import { RunError } from "../../base/errors.js";
import { appendTo } from "../../base/extremes.js";
import { sizeOf } from "../graph/tensor.js";
import { noun } from "../../base/noun.js";
import type { Arena, ArenaOptions } from "./arena.js";
import type { BufferSlot, ExecutorConfig, ExecutorState } from "./types.js";
import { momentCount } from "./update.js";

/** Slots of the arena. Buffers of which only rows change have no room for a whole update; see RowTables. Buffers of the initial state that no step changes (a frozen batch norm's statistics) are kept too. */
export function slotsOf(config: ExecutorConfig, initial: ExecutorState): Pick<ArenaOptions, "parameters" | "buffers"> {
  const { parameters, buffers } = config.step;
  const updated = buffers.map((b) => ({ name: b.name, size: sizeOf(b.shape), updated: b.rows === undefined }));
  const constant = [...initial.buffers]
    .filter(([name]) => !buffers.some((b) => b.name === name))
    .map(([name, data]) => ({ name, size: data.length, updated: false }));
  return {
    parameters: parameters.map((p) => ({ name: p.name, size: sizeOf(p.shape), decay: p.decay })),
    buffers: [...updated, ...constant],
  };
}

/** What is averaged: parameters and updated buffers of the student; nothing without averaging. */
export function averagedNames({ average, step }: ExecutorConfig): string[] {
  return average ? [...step.parameters, ...averagedBuffers(step.buffers)].map((s) => s.name) : [];
}

/** The updated buffers that are averaged along with the parameters: not what losses keep for themselves. */
export function averagedBuffers(buffers: readonly BufferSlot[]): BufferSlot[] {
  return buffers.filter((b) => !b.ofLoss);
}

/** Copies of everything in the arena that the next step depends on. */
export function exportState(config: ExecutorConfig, arena: Arena, step: number): ExecutorState {
  const moments = new Map<string, Float32Array>();
  for (const { name } of config.step.parameters) {
    for (let i = 0; i < momentCount(config.rule); i++) moments.set(`${name}/${i}`, arena.moment(name, i).slice());
  }
  return {
    step,
    parameters: new Map(config.step.parameters.map(({ name }) => [name, arena.parameter(name).slice()])),
    buffers: new Map(arena.bufferNames.map((name) => [name, arena.buffer(name).slice()])),
    moments,
    averages: new Map(averagedNames(config).map((name) => [name, (arena.average(name) as Float32Array).slice()])),
  };
}

/**
 * Fills the arena. No moments at all means a fresh start: they become zero; no averages: they start where the weights do.
 * @throws RunError naming the entry that is missing, unknown or of the wrong size, before anything is changed
 */
export function importState(config: ExecutorConfig, arena: Arena, state: ExecutorState): void {
  const names = config.step.parameters.map((p) => p.name);
  const copies = [
    ...pair("parameter", names, state.parameters, (name) => arena.parameter(name)),
    ...pair("buffer", arena.bufferNames, state.buffers, (name) => arena.buffer(name)),
  ];
  for (let i = 0; i < momentCount(config.rule) && state.moments.size > 0; i++) {
    const own = new Map([...state.moments].filter(([key]) => key.endsWith(`/${i}`)));
    const keys = names.map((name) => `${name}/${i}`);
    appendTo(
      copies,
      pair("moment", keys, own, (key) => arena.moment(key.slice(0, -`/${i}`.length), i)),
    );
  }
  const expected = state.moments.size > 0 ? names.length * momentCount(config.rule) : 0;
  if (state.moments.size !== expected) {
    throw otherRule(state.moments.size, expected, config.rule.kind);
  }
  const averaged = averagesOf(config, state);
  appendTo(
    copies,
    pair("weight average", averagedNames(config), averaged, (name) => arena.average(name) as Float32Array),
  );
  for (const [target, source] of copies) target.set(source);
  if (state.moments.size === 0) for (const { offset, bytes } of arena.moments) arena.kernels.fill(offset, bytes, 0);
}

/** The averages of a state; those of a fresh start are the weights themselves. */
export function averagesOf(config: ExecutorConfig, state: ExecutorState): ReadonlyMap<string, Float32Array> {
  if (state.averages?.size) return state.averages;
  const all = new Map([...state.parameters, ...state.buffers]);
  return new Map(averagedNames(config).map((name) => [name, all.get(name) as Float32Array]));
}

/** The error for moments of another rule than the one that trains. */
export function otherRule(found: number, expected: number, rule: string): RunError {
  return misfit(`it has ${noun(found, "moment")}, which another update rule wrote`, `${expected} for ${rule}`);
}

function misfit(found: string, expected?: string): RunError {
  return new RunError({
    code: "checkpoint-invalid",
    where: "training state",
    found,
    expected,
    cure: "Start the training again, without --resume",
  });
}

/** Targets with their sources, after checking that names and sizes agree. */
export function pair(
  kind: string,
  names: readonly string[],
  sources: ReadonlyMap<string, Float32Array>,
  target: (name: string) => Float32Array,
): [Float32Array, Float32Array][] {
  const known = new Set(names);
  for (const name of sources.keys()) {
    if (!known.has(name)) throw misfit(`it has a ${kind} "${name}" that the training step lacks`);
  }
  return names.map((name) => {
    const source = sources.get(name);
    if (!source) throw misfit(`it lacks the ${kind} "${name}"`);
    const view = target(name);
    if (source.length !== view.length)
      throw misfit(`its ${kind} "${name}" has ${source.length} elements`, `${view.length}`);
    return [view, source];
  });
}
