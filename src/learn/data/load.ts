/** From a configuration to samples, splits and normalisation. */

import { debug, since } from "../../base/debug.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { fromSource } from "./dataset.js";
import { fillMissing } from "./missing.js";
import { fittedNormalisation, RAW } from "./normalise.js";
import { partsFinding } from "./parts.js";
import type { NormaliseChoice, SourceContext } from "./source.js";
import { type DataSettings, findSource } from "./sources/registry.js";
import { splitData } from "./splits.js";
import type { DataSet, LoadedData, Splits } from "./types.js";
import type { Normalisation } from "../../engine/graph/samples.js";

/**
 * Loads, checks and splits the data of a recipe.
 * @throws InputError naming the file or field when the data cannot be used
 */
export async function loadData(config: DataSettings, context: SourceContext): Promise<LoadedData> {
  const started = performance.now();
  const source = await findSource(config.source).read(config, context);
  debug("data")?.(`${config.source}: read in ${since(started)}`);
  const { data: read, own, findings } = fromSource(source, { ...config, seed: config.split.seed });
  const found = [...(source.findings ?? []), ...findings];
  const splits = splitData(read, config.split, own, (finding) => found.push(finding));
  const partsFound = partsFinding(source, read.size, own, splits, config.split);
  const { data: whole, missing } = source.fillMissing
    ? fillMissing(read, splits.train, source.fillMissing)
    : { data: read, missing: undefined };
  const { paddingId } = config;
  const data = paddingId === undefined ? whole : { ...whole, paddingId };
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
