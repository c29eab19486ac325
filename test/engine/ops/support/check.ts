/**
 * Checks an op (or a small composite) against sources that know nothing of its rules:
 * shape rules and float32 values against ONNX Runtime, gradients against central finite differences in float64.
 */
import assert from "node:assert/strict";
import { backward } from "../../../../src/engine/autodiff/backward.js";
import { lowerGraph } from "../../../../src/engine/compile/lower.js";
import type { GraphBuilder, Value } from "../../../../src/engine/graph/builder.js";
import { int64s, isFloat, sizeOf, tensor } from "../../../../src/engine/graph/tensor.js";
import type { Attributes, DType, Graph, Tensor } from "../../../../src/engine/graph/types.js";
import { createBuilder, opOf } from "../../../../src/engine/ops/registry.js";
import { assertInferredShapes, runInOnnxRuntime } from "./onnxruntime.js";
import { evaluateReference, type RefTensor } from "./reference.js";

/** One input of the op under test. */
export interface InputSpec {
  readonly shape: readonly number[];
  /** Default: random numbers in [low, high), a function of the input's position. Integers must be given. */
  readonly values?: readonly number[];
  readonly low?: number;
  readonly high?: number;
  /** Default "float32"; float inputs become float64 in the graph whose gradients are checked. */
  readonly dtype?: DType;
  /** Stored as an initialiser, so that the op may read it while compiling (axes, shapes, pads). */
  readonly constant?: boolean;
}

export interface GraphCheck {
  readonly inputs: readonly (InputSpec | undefined)[];
  /** Builds what is to be checked and returns its outputs. */
  build(b: GraphBuilder, inputs: readonly (Value | undefined)[]): readonly Value[];
  /** Inputs whose gradient is checked; default: every float input that is not constant. */
  readonly wrt?: readonly number[];
  /** Inputs of `wrt` that the gradient must NOT reach. */
  readonly unreached?: readonly number[];
  /** Which outputs enter the loss; default: every float output. */
  readonly lossOutputs?: readonly number[];
  /** Of gradients against finite differences, relative to max(1, |gradient|); default 1e-6. */
  readonly tolerance?: number;
  /** Half-width of the finite differences; default 1e-5. */
  readonly step?: number;
  /** Of ONNX Runtime's float32 values, relative to max(1, |value|); default 1e-5. */
  readonly ortTolerance?: number;
  /** Leave ONNX Runtime out (say why in the test). */
  readonly skipOrt?: boolean;
  /** Leave the finite differences out: kinks and ties, whose convention the test asserts by itself. */
  readonly skipDifferences?: boolean;
}

export interface OpCheck extends Omit<GraphCheck, "build"> {
  readonly op: string;
  readonly domain?: string;
  readonly attributes?: Attributes;
}

export interface CheckResult {
  /** Outputs of the op in float64, in order. */
  readonly outputs: readonly RefTensor[];
  /** d loss / d input by input position, for the inputs in `wrt` that it reaches; float64. */
  readonly gradients: ReadonlyMap<number, RefTensor>;
  /** The weights w of loss = sum(w * output), by output position. */
  readonly weights: ReadonlyMap<number, RefTensor>;
}

/** Checks one op; see `checkGraph`. */
export async function checkOp(check: OpCheck): Promise<CheckResult> {
  const { op, domain = "", attributes = {} } = check;
  return checkGraph({ ...check, build: (b, inputs) => b.ops(op, inputs, attributes, { domain, name: "tested" }) });
}

/**
 * Builds the graph with random inputs, loss = sum over outputs of sum(w * output) with fixed random w, and its gradients.
 * 1. Float32: ONNX Runtime accepts the lowered graph, infers the very shapes our rules gave for every value,
 *    and gives the reference evaluator's values for the outputs and gradients.
 * 2. Float64: the gradients equal central finite differences of the reference evaluator.
 */
export async function checkGraph(check: GraphCheck): Promise<CheckResult> {
  if (!check.skipOrt) {
    const single = assemble(check, "float32");
    await assertInferredShapes(single.graph);
    const actual = await runInOnnxRuntime(single.graph, single.feeds);
    const expected = evaluateReference(single.graph, single.feeds);
    for (const output of single.graph.outputs)
      assertClose(
        actual.get(output.name),
        expected.get(output.name),
        check.ortTolerance ?? 1e-5,
        `ONNX Runtime's ${output.name}`,
      );
  }
  const double = assemble(check, "float64");
  const values = evaluateReference(double.graph, double.feeds);
  const named = (name: string): RefTensor => values.get(name) as RefTensor;
  const gradients = new Map<number, RefTensor>();
  for (const i of double.reached) gradients.set(i, named(`gradient${i}`));
  if (!check.skipDifferences) compareWithDifferences(check, double, gradients);
  return {
    outputs: double.outputs.map((_, i) => named(`output${i}`)),
    gradients,
    weights: new Map(double.weighted.map((i) => [i, named(`w${i}`)])),
  };
}

interface Assembled {
  readonly graph: Graph;
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly Value[];
  /** Positions of the inputs that have a gradient. */
  readonly reached: readonly number[];
  /** Positions of the outputs in the loss. */
  readonly weighted: readonly number[];
}

function assemble(check: GraphCheck, float: "float32" | "float64"): Assembled {
  const b = createBuilder("check");
  const feeds = new Map<string, Tensor>();
  const inputs = check.inputs.map((spec, i) => {
    if (!spec) return undefined;
    const t = tensorOf(spec, i, float);
    if (spec.constant) return b.initializer(`x${i}`, t);
    feeds.set(`x${i}`, t);
    return b.input(`x${i}`, t.dtype, t.shape);
  });
  const outputs = check.build(b, inputs);
  outputs.forEach((o, i) => {
    b.output(o, `output${i}`);
  });
  const weighted = (check.lossOutputs ?? outputs.map((_, i) => i)).filter((i) => isFloat((outputs[i] as Value).dtype));
  const wanted =
    check.wrt ?? check.inputs.flatMap((s, i) => (s && !s.constant && isFloat(s.dtype ?? "float32") ? [i] : []));
  const terms = weighted.map((i) => weightedSum(b, outputs[i] as Value, i, feeds));
  const reached: number[] = [];
  if (terms.length > 0) {
    const loss = terms.reduce((a, t) => b.op("Add", [a, t]));
    b.output(loss, "loss");
    const wrt = wanted.map((i) => inputs[i] as Value);
    const gradients = backward(b, (call) => opOf(call).gradient, loss, wrt);
    gradients.forEach((g, k) => {
      const i = wanted[k] as number;
      const expected = !check.unreached?.includes(i);
      assert.equal(g !== undefined, expected, `input ${i} ${expected ? "has no" : "must have no"} gradient`);
      if (!g) return;
      assert.equal(g.dtype, (wrt[k] as Value).dtype, `dtype of the gradient of input ${i}`);
      b.output(g, `gradient${i}`);
      reached.push(i);
    });
  }
  return { graph: lowerGraph(b.build()), feeds, outputs, reached, weighted };
}

function weightedSum(b: GraphBuilder, output: Value, position: number, feeds: Map<string, Tensor>): Value {
  const values = uniform(1000 + position, sizeOf(output.shape), 0.5, 1.5).map((v, i) => (i % 2 ? -v : v));
  const w = b.input(`w${position}`, output.dtype, output.shape);
  feeds.set(w.name, tensor(output.dtype, values, output.shape));
  const axes = b.constant(int64s(output.shape.map((_, i) => i)));
  const product = b.op("Mul", [output, w]);
  return output.shape.length ? b.op("ReduceSum", [product, axes], { keepdims: { kind: "int", value: 0 } }) : product;
}

function tensorOf(spec: InputSpec, position: number, float: "float32" | "float64"): Tensor {
  const wanted = spec.dtype ?? "float32";
  const dtype = isFloat(wanted) ? float : wanted;
  if (!spec.values && !isFloat(wanted)) throw new Error(`check: input ${position} is ${wanted}: give its values`);
  const values = spec.values ?? uniform(position, sizeOf(spec.shape), spec.low ?? -2, spec.high ?? 2);
  return tensor(dtype, isFloat(dtype) ? values.map(Math.fround) : values, spec.shape);
}

/** Fixed pseudo-random numbers in [low, high) (mulberry32). */
export function uniform(seed: number, size: number, low: number, high: number): number[] {
  let state = (seed + 1) * 0x9e3779b9;
  return Array.from({ length: size }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + (((t ^ (t >>> 14)) >>> 0) / 4294967296) * (high - low);
  });
}

function compareWithDifferences(check: GraphCheck, double: Assembled, gradients: ReadonlyMap<number, RefTensor>): void {
  const step = check.step ?? 1e-5;
  const forward = onlyLoss(double.graph);
  for (const i of double.reached) {
    const feed = double.feeds.get(`x${i}`) as Tensor;
    const gradient = gradients.get(i) as RefTensor;
    const data = Float64Array.from(feed.data as Float64Array);
    const feeds = new Map<string, Tensor>(double.feeds).set(`x${i}`, { ...feed, data });
    const lossAt = (k: number, value: number): number => {
      const kept = data[k] as number;
      data[k] = value;
      const loss = evaluateReference(forward, feeds).get("loss") as RefTensor;
      data[k] = kept;
      return loss.data[0] as number;
    };
    data.forEach((x, k) => {
      const expected = (lossAt(k, x + step) - lossAt(k, x - step)) / (2 * step);
      const actual = gradient.data[k] as number;
      const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
      assert.ok(
        error <= (check.tolerance ?? 1e-6),
        `gradient of input ${i}, element ${k} (x = ${x}): ${actual}, finite differences give ${expected}`,
      );
    });
  }
}

/** The graph without what the loss does not need. */
function onlyLoss(graph: Graph): Graph {
  const needed = new Set(["loss"]);
  const nodes = graph.nodes.toReversed().filter((n) => {
    if (!n.outputs.some((o) => needed.has(o))) return false;
    for (const name of n.inputs) needed.add(name);
    return true;
  });
  return { ...graph, nodes: nodes.reverse(), outputs: graph.outputs.filter((o) => o.name === "loss") };
}

/** Same shape, and every element within tolerance * max(1, |expected|); NaN equals NaN. */
export function assertClose(
  actual: RefTensor | undefined,
  expected: RefTensor | undefined,
  tolerance: number,
  what: string,
): void {
  assert.ok(actual && expected, `${what} is missing`);
  assert.deepEqual([...actual.shape], [...expected.shape], `shape of ${what}`);
  expected.data.forEach((e, k) => {
    const a = actual.data[k] as number;
    if (Object.is(a, e) || a === e) return;
    const error = Math.abs(a - e) / Math.max(1, Math.abs(e));
    assert.ok(error <= tolerance, `${what}, element ${k}: ${a}, expected ${e}`);
  });
}
