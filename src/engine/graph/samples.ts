/** Raw samples as graphs take them: their element types, and the normalisation in front. */

/** What holds raw samples: bytes, whole numbers (token ids, counts), or anything else. */
export type SampleArray = Float32Array | Uint8Array | Int32Array;

/** Element types of raw samples, by their ONNX names. */
export type SampleType = "float32" | "uint8" | "int32";

/** Affine normalisation: (x * scale - mean[c]) / std[c], with c the channel of [C,H,W] samples or the feature of [F] samples. */
export interface Normalisation {
  /** Multiplies raw values first: 1/255 for bytes; 1 for tables. */
  readonly scale: number;
  /** One value per channel or feature, or one for all. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Raw values that stand in for missing ones (NaN), one for each feature; absent: no value may be missing. */
  readonly missing?: readonly number[];
}
