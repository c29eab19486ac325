/** What an architecture is: its description in a recipe, and what shared code asks of it. */
import type { z } from "zod";
import type { Value } from "../graph/builder.js";
import type { ModelScope } from "../nn/scope.js";

/** Fields named as code names them; one of them is `kind`, a literal. */
export type ModelSchema = z.ZodObject<{ readonly kind: z.ZodLiteral<string> }>;

interface Described<S extends ModelSchema> {
  /** Its name in recipes. */
  readonly kind: string;
  /** Its fields, with their descriptions and defaults: for recipes, their reference and the types of its settings. */
  readonly schema: S;
  /** Names a student in tables: "mlp-30-30". Default: its kind. */
  shortName?(settings: z.output<S>): string;
}

/** An architecture that limbeck builds. */
export interface BuiltModelEntry<S extends ModelSchema = ModelSchema> extends Described<S> {
  /**
   * Appends its layers to a graph.
   * @param scope makes parameters and names them
   * @param input one sample: [1, ...inputShape], float32; int64 where there is a vocabulary
   * @param classes values that the answer has
   * @returns the logits [1, classes]
   */
  build(scope: ModelScope, input: Value, classes: number, settings: z.output<S>): Value;
  /** One line for people: "mlp 784-30-30-10, relu". Default: the graph's name with its rates of dropout. */
  describe?(settings: z.output<S>, inputShape: readonly number[], classes: number): string;
  /** Name of the graph: "resnet8x0.5". Default: its kind. */
  graphName?(settings: z.output<S>): string;
  /** Samples are token ids from 0 to this number less one. Absent: they are values. */
  vocabulary?(settings: z.output<S>): number;
  /**
   * The same architecture with so many times the units or filters.
   * @returns a sentence about why it has no width; undefined where it just has none
   */
  widened?(settings: z.output<S>, factor: number): z.output<S> | string | undefined;
  /** A larger model of its kind, for settings that have no width. */
  grown?(settings: z.output<S>, factor: number): z.output<S> | undefined;
  /** The same without dropout and stochastic depth, undefined where it has neither. Default: without its fields dropout and dropPath. */
  withoutNoise?(settings: z.output<S>): z.output<S> | undefined;
}

/** A model that starts from the weights in an ONNX file. */
export interface FileModelEntry<S extends ModelSchema = ModelSchema> extends Described<S> {
  /** Path of the file. */
  file(settings: z.output<S>): string;
  /** Names of initialisers; * stands for any text. */
  trained(settings: z.output<S>): {
    readonly trainable: readonly string[];
    readonly frozen: readonly string[];
    /** Tensors that stay shared by several layers where an exporter stored them once. */
    readonly tied?: readonly string[];
    /** The output that is trained; default: the first. */
    readonly output?: string | undefined;
  };
  /** Which array of the data each input reads, by the input's name. */
  reads?(settings: z.output<S>): Readonly<Record<string, string>>;
}

/** An entry of the registry of models. */
export type ModelEntry = BuiltModelEntry | FileModelEntry;

/** Types the functions of an entry by its schema. */
export const builtModelEntry = <S extends ModelSchema>(entry: BuiltModelEntry<S>): BuiltModelEntry<S> => entry;
export const fileModelEntry = <S extends ModelSchema>(entry: FileModelEntry<S>): FileModelEntry<S> => entry;
