/** ONNX graphs as plain, immutable data. Nothing here knows protobuf, ONNX Runtime or Node. */

/** Element types, by their ONNX names in lower case. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string";

/** Storage of each element type: float16 and bfloat16 as bit patterns in Uint16Array, bool as Uint8Array of 0 and 1. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint32Array
  | BigUint64Array
  | readonly string[];

/** A tensor with its values, row-major. `data` may be a view into a model file's bytes: never write to it. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A dimension: a size, a symbolic name such as "batch", or null when nothing is known. */
export type Dim = number | string | null;

/** Type of a value in a graph; `shape` is null when even the rank is unknown. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: readonly Dim[] | null;
}

export interface ValueInfo extends ValueType {
  readonly name: string;
}

/** Attributes keep ONNX's own kinds: an `int` 1 and a `float` 1 are different things on disk. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  /** Anything else (sparse tensors, type protos, graph lists): carried through untouched, understood by nobody. */
  | { readonly kind: "opaque"; readonly value: unknown };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  /** Unique in its graph and never empty: run-time errors name nodes only by this. */
  readonly name: string;
  /** Operator type, e.g. "Conv". */
  readonly op: string;
  /** "" is the standard ONNX domain. */
  readonly domain: string;
  /** Value names; "" marks an absent optional input. */
  readonly inputs: readonly string[];
  /** Value names; "" marks an output nobody wants. */
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** Nodes are in topological order; every value name is assigned exactly once. */
export interface Graph {
  readonly name: string;
  /** Run-time inputs only: initialisers are not repeated here. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Types of inner values as far as somebody declared or inferred them. */
  readonly valueTypes?: ReadonlyMap<string, ValueType>;
}

/** A function that a model brings along: operators of its own, made of others. Written as it was read. */
export interface ModelFunction {
  readonly name: string;
  readonly nodes: readonly Node[];
  /** Its message in the file. */
  readonly origin: unknown;
}

/** A graph with what a `.onnx` file says around it. */
export interface Model {
  readonly graph: Graph;
  readonly functions?: readonly ModelFunction[];
  /** Opset version by domain; "" is the standard domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly irVersion: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  /** `metadata_props`: what an exporter writes beside the graph, such as the normalisation. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The opset every graph of ours is written in; foreign graphs are brought to it before rules see them. */
export const CANONICAL_OPSET = 21;

/** Domain of our abstract operators (convolution gradients, training batch norm ...): lowered before execution. */
export const ABSTRACT_DOMAIN = "limbeck";
