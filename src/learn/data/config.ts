/** Configuration of data sources, as plain data. The recipe's schema mirrors it in snake_case. */
import type { Normalisation } from "../../engine/graph/samples.js";

export interface SplitConfig {
  /** Fraction below 1, number of samples, or the source's own validation part; default: the source's own, else 0.15. */
  readonly validation?: number | "source";
  /** Fraction, number of samples, or the source's own test part; default: the source's own, else 0.2. */
  readonly test?: number | "source";
  readonly stratify: boolean;
  readonly seed: number;
}

export interface CommonDataConfig {
  readonly classes?: readonly string[];
  readonly limit?: number;
  readonly labels: "use" | "ignore";
  readonly split: SplitConfig;
  readonly normalise?: "none" | "unit" | "standard" | Normalisation;
}

export type DigitsConfig = CommonDataConfig & { readonly source: "digits" };
export type IdxConfig = CommonDataConfig & {
  readonly source: "idx";
  readonly path?: string;
  readonly images?: string;
  readonly labelFile?: string;
  readonly testImages?: string;
  readonly testLabelFile?: string;
};
export type TableConfig = CommonDataConfig & {
  readonly source: "table";
  readonly path: string;
  readonly testPath?: string;
  readonly label?: string;
  readonly features?: readonly string[];
  readonly ignore?: readonly string[];
  readonly categorical?: readonly string[];
  /** What is done about missing values of features; default "error". */
  readonly missing?: "error" | "mean" | "drop";
  /** Which sign marks decimals where texts leave it open. */
  readonly decimal?: "." | ",";
  /** Of CSV and JSON; default UTF-8. */
  readonly encoding?: string;
};
export type NpyConfig = CommonDataConfig & {
  readonly source: "npy";
  readonly samples: string;
  readonly labelFile?: string;
  readonly testSamples?: string;
  readonly testLabelFile?: string;
  readonly memory: "auto" | "whole" | "file";
};
export type NpzConfig = CommonDataConfig & {
  readonly source: "npz";
  readonly path: string;
  readonly samples: string;
  readonly labelKey: string;
  readonly testSamples: string;
  readonly testLabelKey: string;
  readonly validationSamples: string;
  readonly validationLabelKey: string;
};
export type ImagesConfig = CommonDataConfig & {
  readonly source: "images";
  readonly path: string;
  readonly size: readonly [number, number];
  readonly channels: 1 | 3;
  /** Leaves out images that cannot be decoded, instead of refusing the data. */
  readonly skipUnreadable?: boolean;
};
export type DataConfig = DigitsConfig | IdxConfig | TableConfig | NpyConfig | NpzConfig | ImagesConfig;
