/** From a configuration to samples, splits and normalisation. Adding a source: its file and one line here. */

import { debug, since } from "../../base/debug.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import type { DataConfig } from "./config.js";
import { fromSource } from "./dataset.js";
import { readDigits } from "./sources/digits.js";
import { readIdxSource } from "./sources/idx.js";
import { readImagesSource } from "./sources/images.js";
import { fillMissing } from "./missing.js";
import { fittedNormalisation, RAW } from "./normalise.js";
import { readNpySource } from "./sources/npy-source.js";
import { readNpzSource } from "./sources/npz.js";
import { partsFinding } from "./parts.js";
import type { NormaliseChoice, RawSource, SourceContext } from "./source.js";
import { splitData } from "./splits.js";
import { readTableSource } from "./sources/table/table.js";
import type { DataSet, LoadedData, Splits } from "./types.js";
import type { Normalisation } from "../../engine/graph/samples.js";

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
  const reader = sources[config.source] as (c: DataConfig, x: SourceContext) => RawSource | Promise<RawSource>;
  const started = performance.now();
  const source = await reader(config, context);
  debug("data")?.(`${config.source}: read in ${since(started)}`);
  const { data: read, own, findings } = fromSource(source, { ...config, seed: config.split.seed });
  const found = [...(source.findings ?? []), ...findings];
  const splits = splitData(read, config.split, own, (finding) => found.push(finding));
  const partsFound = partsFinding(source, read.size, own, splits, config.split);
  const { data, missing } = source.fillMissing
    ? fillMissing(read, splits.train, source.fillMissing)
    : { data: read, missing: undefined };
  const normalisation = resolveNormalisation(
    config.normalise ?? source.defaultNormalise,
    source.unit,
    data,
    splits.train,
  );
  debug("data")?.(`${describeLoaded(data, splits)}, ready in ${since(started)}`);
  return {
    data,
    splits,
    normalisation: missing ? { ...normalisation, missing } : normalisation,
    findings: partsFound ? [partsFound, ...found] : found,
    imageSizes: source.imageSizes,
  };
}

function describeLoaded(data: DataSet, { train, validation, test }: Splits): string {
  const parts = `${train.length} for training, ${validation.length} for validation, ${test.length} for test`;
  return `${data.name}: ${noun(data.size, "sample")} of [${data.sampleShape}], ${noun(data.classes.length, "class")}; ${parts}; hash ${data.hash.slice(0, 12)}`;
}

function resolveNormalisation(choice: NormaliseChoice, unit: number, data: DataSet, train: Uint32Array): Normalisation {
  if (choice === "none") return RAW;
  if (choice === "unit") return { scale: unit, mean: [0], std: [1] };
  if (choice === "standard") return fittedNormalisation(data, train);
  const channels = data.sampleShape[0] as number;
  for (const [field, values] of Object.entries({ mean: choice.mean, std: choice.std })) {
    if (values.length !== 1 && values.length !== channels)
      throw new InputError({
        code: "option-invalid",
        where: `data.normalise.${field}`,
        found: `${noun(values.length, "value")} for ${noun(channels, "channel")}`,
        expected: `1 or ${channels}`,
        cure: "Give one value, or one for every channel",
      });
  }
  return choice;
}
