/** A data set as a fit of the library sees it. Nothing here is Node's. */
import { fittedNormalisation, RAW } from "../data/normalise.js";
import { splitData } from "../data/splits.js";
import type { DataSet, LoadedData, Splits } from "../data/types.js";
import type { FitOptionsAnywhere } from "./distiller-core.js";

/** All samples are test samples. */
export const everything = (data: DataSet): Splits => {
  const none = new Uint32Array(0);
  return { train: none, validation: none, test: Uint32Array.from({ length: data.size }, (_, i) => i) };
};

/** A training and a validation part, and the normalisation, as a fit asks for them. */
export function split(
  data: DataSet,
  options: Pick<FitOptionsAnywhere, "validationSplit" | "normalise">,
  seed: number,
): LoadedData {
  const config = { validation: options.validationSplit ?? 0.15, test: 0, stratify: true, seed };
  const splits = splitData(data, config, null);
  const bytes = data.samples instanceof Uint8Array;
  const choice = options.normalise ?? (bytes ? "unit" : "none");
  const normalisation =
    choice === "none"
      ? RAW
      : choice === "unit"
        ? { ...RAW, scale: bytes ? 1 / 255 : 1 }
        : choice === "standard"
          ? fittedNormalisation(data, splits.train)
          : choice;
  return { data, splits, normalisation };
}
