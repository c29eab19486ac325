/**
 * A small network as executor programs, its backward pass written by hand: no part of limbeck's autodiff is in it.
 *
 * h = relu(x w1 + b1) [* mask]; logits = h w2 + b2; loss = scale * mean cross-entropy;
 * a buffer keeps running = 0.9 running + 0.1 mean(h). The fixture training.json holds PyTorch's float64 training of it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { float, int } from "../../../src/engine/graph/attributes.js";
import type { GraphBuilder, Value } from "../../../src/engine/graph/builder.js";
import { irVersionFor } from "../../../src/engine/graph/opsets.js";
import { int64s, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import { CANONICAL_OPSET, type Graph } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import type { UpdateRule } from "../../../src/engine/optim/types.js";
import type { ExecutorConfig, ExecutorState, StepRequest } from "../../../src/engine/runtime/types.js";

export interface TrainingCase {
  readonly name: string;
  readonly rule: UpdateRule;
  readonly lr: number;
  readonly clip: number;
  readonly cycled: boolean;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly running: readonly number[];
  readonly logits: readonly number[];
}

export const fixture = JSON.parse(readFileSync("test/fixtures/optim/training.json", "utf8")) as {
  readonly batch: number;
  readonly features: number;
  readonly hidden: number;
  readonly classes: number;
  readonly start: Readonly<Record<string, readonly number[]>>;
  readonly x: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly cases: readonly TrainingCase[];
};

const { features, hidden, classes } = fixture;
const SHAPES = { w1: [features, hidden], b1: [hidden], w2: [hidden, classes], b2: [classes] };

export interface NetworkOptions {
  readonly batch?: number;
  readonly maskRate?: number;
  readonly diagnostic?: boolean;
}

/** Programs for a batch size, with SGD unless overridden. */
export function network(options: NetworkOptions = {}, overrides: Partial<ExecutorConfig> = {}): ExecutorConfig {
  const batch = options.batch ?? fixture.batch;
  return {
    step: {
      graph: bytesOf(stepGraph(batch, options.maskRate !== undefined)),
      parameters: Object.entries(SHAPES).map(([name, shape]) => ({
        name,
        shape,
        gradient: `d_${name}`,
        decay: name.startsWith("w"),
      })),
      buffers: [{ name: "running", shape: [hidden], update: "running_new" }],
      batch: [
        { name: "x", dtype: "float32", shape: [batch, features] },
        { name: "labels", dtype: "int64", shape: [batch] },
      ],
      masks:
        options.maskRate === undefined
          ? []
          : [{ name: "mask", shape: [batch, hidden], rate: options.maskRate, stream: 3 }],
      scalars: ["scale"],
      losses: ["loss", "cross_entropy"],
    },
    evaluation: {
      graph: evaluationModel(),
      state: Object.keys(SHAPES),
      inputs: [{ name: "x", dtype: "float32", shape: [features] }],
      output: "logits",
    },
    diagnostic: options.diagnostic ? { graph: bytesOf(diagnosticGraph(batch)), outputs: ["norm", "half"] } : undefined,
    rule: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 },
    clipNorm: 0,
    accumulate: 1,
    seed: 7,
    device: "cpu",
    threads: 1,
    ...overrides,
  };
}

export function initialState(): ExecutorState {
  return {
    step: 0,
    parameters: new Map(Object.entries(fixture.start).map(([name, v]) => [name, Float32Array.from(v)])),
    buffers: new Map([["running", new Float32Array(hidden)]]),
    moments: new Map(),
  };
}

/** Requests of the fixture's steps from..to, each split into so many micro-batches. */
export function requests(from: number, to: number, settings: Partial<StepRequest> = {}, accumulate = 1): StepRequest[] {
  return Array.from({ length: to - from }, (_, i) => {
    const x = fixture.x[from + i] as number[];
    const labels = fixture.labels[from + i] as number[];
    const rows = labels.length / accumulate;
    const micro = Array.from({ length: accumulate }, (_, k) => [
      Float32Array.from(x.slice(k * rows * features, (k + 1) * rows * features)),
      BigInt64Array.from(labels.slice(k * rows, (k + 1) * rows), BigInt),
    ]);
    return { micro, scalars: new Float32Array([1]), lr: 0.1, ...settings };
  });
}

/** Everything in a state as one run of bytes. */
export function bytesOfState(state: ExecutorState): string {
  const hex = (map: ReadonlyMap<string, Float32Array>) =>
    [...map].map(([n, d]) => `${n}=${Buffer.from(d.buffer, d.byteOffset, d.byteLength).toString("hex")}`).join("\n");
  const { parameters, buffers, moments, averages = new Map() } = state;
  return [state.step, ...[parameters, buffers, moments, averages].map(hex)].join("\n");
}

export function assertClose(
  found: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "",
): void {
  assert.equal(found?.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const [f, e] = [found?.[i] as number, expected[i] as number];
    assert.ok(Math.abs(f - e) <= tolerance * Math.max(1, Math.abs(e)), `${what}[${i}]: ${f}, expected ${e}`);
  }
}

export function bytesOf(graph: Graph): Uint8Array {
  const irVersion = irVersionFor(CANONICAL_OPSET);
  return writeModel({ graph, opsets: { "": CANONICAL_OPSET }, irVersion, metadata: {} });
}

interface Forward {
  readonly gradients: Readonly<Record<string, Value>>;
  readonly loss: Value;
  readonly crossEntropy: Value;
  readonly running: Value;
}

function forwardAndBackward(b: GraphBuilder, batch: number, masked: boolean): Forward {
  const p = Object.fromEntries(Object.entries(SHAPES).map(([n, shape]) => [n, b.input(n, "float32", shape)]));
  const { w1, b1, w2, b2 } = p as Record<keyof typeof SHAPES, Value>;
  const running = b.input("running", "float32", [hidden]);
  const x = b.input("x", "float32", [batch, features]);
  const labels = b.input("labels", "int64", [batch]);
  const mask = masked ? b.input("mask", "float32", [batch, hidden]) : undefined;
  const scale = b.input("scale", "float32", []);
  const product = (a: Value, c: Value, transA = 0, transB = 0) =>
    b.op("Gemm", [a, c], { transA: int(transA), transB: int(transB), alpha: float(1), beta: float(1) });
  const sumRows = (v: Value) => b.op("ReduceSum", [v, b.constant(int64s([0]))], { keepdims: int(0) });
  const constant = (value: number) => b.constant(scalar(value));

  const z = b.op("Add", [product(x, w1), b1], {}, { name: "dense1/add" });
  const active = b.op("Relu", [z]);
  const h = mask ? b.op("Mul", [active, mask]) : active;
  const logits = b.op("Add", [product(h, w2), b2]);
  const log = b.op("LogSoftmax", [logits], { axis: int(1) });
  const classIds = b.constant(tensor("int64", [0, 1, 2], [1, classes]));
  // A label out of range makes this node fail.
  const checked = b.op("Gather", [b.constant(int64s([0, 1, 2])), labels], {}, { name: "labels/gather" });
  const column = b.op("Unsqueeze", [checked, b.constant(int64s([1]))]);
  const oneHot = b.op("Cast", [b.op("Equal", [column, classIds])], { to: int(1) });
  const total = b.op("ReduceSum", [b.op("Mul", [log, oneHot])], { keepdims: int(0) });
  const crossEntropy = b.op("Mul", [total, constant(-1 / batch)]);
  const loss = b.op("Mul", [crossEntropy, scale]);

  const difference = b.op("Sub", [b.op("Exp", [log]), oneHot]);
  const dLogits = b.op("Mul", [b.op("Mul", [difference, constant(1 / batch)]), scale]);
  const dH = product(dLogits, w2, 0, 1);
  const dActive = mask ? b.op("Mul", [dH, mask]) : dH;
  const dZ = b.op("Mul", [dActive, b.op("Cast", [b.op("Greater", [z, constant(0)])], { to: int(1) })]);
  const mean = b.op("Mul", [sumRows(h), constant(0.1 / batch)]);
  return {
    gradients: { w1: product(x, dZ, 1), b1: sumRows(dZ), w2: product(h, dLogits, 1), b2: sumRows(dLogits) },
    loss,
    crossEntropy,
    running: b.op("Add", [b.op("Mul", [running, constant(0.9)]), mean]),
  };
}

function stepGraph(batch: number, masked: boolean): Graph {
  const b = createBuilder("step");
  const { gradients, loss, crossEntropy, running } = forwardAndBackward(b, batch, masked);
  b.output(loss, "loss");
  b.output(crossEntropy, "cross_entropy");
  for (const [name, gradient] of Object.entries(gradients)) b.output(gradient, `d_${name}`);
  b.output(running, "running_new");
  return b.build();
}

/** The global gradient norm, and half of it. */
function diagnosticGraph(batch: number): Graph {
  const b = createBuilder("diagnostic");
  const { gradients } = forwardAndBackward(b, batch, false);
  const squares = Object.values(gradients).map((g) => b.op("ReduceSumSquare", [g], { keepdims: int(0) }));
  const norm = b.op("Sqrt", [squares.reduce((a, s) => b.op("Add", [a, s]))]);
  b.output(norm, "norm");
  b.output(b.op("Mul", [norm, b.constant(scalar(0.5))]), "half");
  return b.build();
}

/** Logits for any number of samples. */
function evaluationModel(): Uint8Array {
  const b = createBuilder("evaluation");
  const [w1, b1, w2, b2] = Object.entries(SHAPES).map(([n, s]) => b.input(n, "float32", s)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const x = b.input("x", "float32", [1, features]);
  const h = b.op("Relu", [b.op("Add", [b.op("MatMul", [x, w1]), b1])]);
  b.output(b.op("Add", [b.op("MatMul", [h, w2]), b2]), "logits");
  const graph = b.build();
  const free = <T extends { name: string }>(v: T) => (v.name === "x" ? { ...v, shape: ["batch", features] } : v);
  const outputs = [{ name: "logits", dtype: "float32" as const, shape: ["batch", classes] }];
  return bytesOf({ ...graph, inputs: graph.inputs.map(free), outputs, valueTypes: undefined });
}
