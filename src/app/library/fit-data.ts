/** A data set as a fit of the library sees it. Nothing here is Node's. */
import type { SplitSettings } from "../../learn/data/common-fields.js";
import { fittedNormalisation, RAW } from "../../learn/data/normalise.js";
import { splitData } from "../../learn/data/splits.js";
import type { DataSet, LoadedData, Splits } from "../../learn/data/types.js";
import { faultOf, InputError } from "../../base/errors.js";
import type { FitOptionsAnywhere } from "./options.js";

/** The part that chooses the weights, when nothing is said. */
const VALIDATION = 0.15;

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
  const validation = options.validationSplit ?? defaultValidation(data);
  const splits = splitInWords(data, { validation, test: 0, stratify: true, seed });
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

/** Without a wish, data too small for a validation part has none. */
function defaultValidation({ size, labels }: DataSet): number {
  const labelled = labels?.reduce((n, label) => n + Number(label >= 0), 0) ?? 0;
  return Math.round(VALIDATION * (labelled > 0 ? labelled : size)) > 0 ? VALIDATION : 0;
}

/** Splits; errors name the option of a fit, not the recipe's field. */
function splitInWords(data: DataSet, config: SplitSettings): Splits {
  try {
    return splitData(data, config, null);
  } catch (error) {
    const fault = faultOf(error);
    if (!(error instanceof InputError) || !fault) throw error;
    const own = (text: string): string => text.replaceAll("data.split.validation", "validationSplit");
    throw new InputError(
      { ...fault, where: own(fault.where), ...(fault.cure ? { cure: own(fault.cure) } : {}) },
      { cause: error },
    );
  }
}
