/** From a configuration to samples, splits and normalisation. Adding a source: its file and one line here. */

import { InputError } from "../errors.js";
import { noun } from "../noun.js";
import type { DataConfig } from "./config.js";
import { fromSource } from "./dataset.js";
import { readDigits } from "./digits.js";
import { readIdxSource } from "./idx.js";
import { readImagesSource } from "./images.js";
import { fittedNormalisation, RAW } from "./normalise.js";
import { readNpySource, readNpzSource } from "./npy.js";
import type { NormaliseChoice, RawSource, SourceContext } from "./source.js";
import { splitData } from "./splits.js";
import { readTableSource } from "./table.js";
import type { DataSet, LoadedData, Normalisation } from "./types.js";

type Source<K extends DataConfig["source"]> = (
  config: Extract<DataConfig, { source: K }>,
  context: SourceContext,
) => RawSource | Promise<RawSource>;

/** Readers by name. What is heavy in them (DuckDB, sharp) they load when used. */
const sources: { readonly [K in DataConfig["source"]]: Source<K> } = {
  digits: readDigits,
  idx: readIdxSource,
  npy: readNpySource,
  npz: readNpzSource,
  table: readTableSource,
  images: readImagesSource,
};

/**
 * Loads, checks and splits the data of a recipe.
 * @throws InputError naming the file or field when the data cannot be used
 */
export async function loadData(config: DataConfig, context: SourceContext): Promise<LoadedData> {
  const read = sources[config.source] as (c: DataConfig, x: SourceContext) => RawSource | Promise<RawSource>;
  const source = await read(config, context);
  const { data, testFrom } = fromSource(source, config);
  const splits = splitData(data, config.split, testFrom);
  const normalisation = resolveNormalisation(
    config.normalise ?? source.defaultNormalise,
    source.unit,
    data,
    splits.train,
  );
  return { data, splits, normalisation, findings: source.findings ?? [], imageSizes: source.imageSizes };
}

function resolveNormalisation(choice: NormaliseChoice, unit: number, data: DataSet, train: Uint32Array): Normalisation {
  if (choice === "none") return RAW;
  if (choice === "unit") return { scale: unit, mean: [0], std: [1] };
  if (choice === "standard") return fittedNormalisation(data, train);
  const channels = data.sampleShape[0] as number;
  for (const [field, values] of Object.entries({ mean: choice.mean, std: choice.std })) {
    if (values.length !== 1 && values.length !== channels)
      throw new InputError(
        `data.normalise.${field}`,
        `${noun(values.length, "value")} for ${noun(channels, "channel")}; give one, or one a channel`,
      );
  }
  return choice;
}
