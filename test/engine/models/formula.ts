/** Weights and inputs as a formula of name and index: the twin of test/fixtures/models/formula.py. */
import { sizeOf } from "../../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../../src/engine/graph/types.js";

/** Numbers in [-1, 1) without visible structure. */
export function noise(name: string, size: number): number[] {
  const phase = [...name].reduce((sum, c, i) => sum + (i + 1) * (c.codePointAt(0) as number), 0) % 1000;
  return Array.from({ length: size }, (_, k) => {
    const x = Math.sin(k * 12.9898 + phase) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
}

/** A value for a parameter or buffer, by the last part of its name and its rank. */
export function formulaState(name: string, shape: readonly number[]): Tensor {
  const last = name.split("/").at(-1) ?? "";
  const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
  const shaped = (u: number): number => {
    if (last === "weight") return u * bound;
    if (last === "scale") return 1 + 0.2 * u;
    return last === "variance" ? 1 + 0.5 * u : 0.1 * u;
  };
  return { dtype: "float32", shape, data: Float32Array.from(noise(name, sizeOf(shape)), shaped) };
}

/** In [0, 1). */
export function formulaInput(shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data: Float32Array.from(noise("input", sizeOf(shape)), (u) => u / 2 + 0.5) };
}

/** The graph with formula values for the named initialisers and its free batch fixed. */
export function withFormula(graph: Graph, names: readonly string[]): Graph {
  const initializers = new Map(graph.initializers);
  for (const name of names) {
    const old = initializers.get(name);
    if (!old) throw new Error(`no initialiser "${name}"`);
    initializers.set(name, formulaState(name, old.shape));
  }
  return { ...graph, initializers };
}
