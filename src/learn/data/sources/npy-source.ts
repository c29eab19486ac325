/** Samples and labels as NumPy arrays, one file each. */
import { basename, resolve } from "node:path";
import { InputError } from "../../../base/errors.js";
import type { NpyConfig } from "../config.js";
import { checkFile, readWholeFile } from "./files.js";
import { staysInFile } from "../memory.js";
import { npyFilePart } from "./npy-file.js";
import { type NamedBytes, type NpyPart, samplesOf, sourceOfParts } from "./npy-parts.js";
import type { RawSource, SourceContext } from "../source.js";

const ARRAY = "a NumPy array (.npy)";

export function readNpySource(config: NpyConfig, context: SourceContext): RawSource {
  const at = (path: string): string => resolve(context.folder, path);
  const samples = at(config.samples);
  const files = [samples, ...(config.testSamples ? [at(config.testSamples)] : [])];
  for (const file of files) checkFile(file, ARRAY);
  const inFile = staysInFile(config.memory, files);
  const bytesOf = (path: string): NamedBytes => ({ name: path, bytes: readWholeFile(path, ARRAY) });
  const part = (path: string, labels: string | undefined): NpyPart => ({
    samples: inFile ? npyFilePart(path) : samplesOf(bytesOf(path)),
    labels: labels === undefined ? null : bytesOf(at(labels)),
  });
  if (config.testLabelFile && !config.testSamples)
    throw new InputError({
      code: "option-missing",
      where: "data.test_samples",
      found: "data.test_label_file is there, but no samples that belong to it",
      expected: "the test samples",
      cure: "Give data.test_samples, or remove data.test_label_file",
    });
  return sourceOfParts(`npy ${basename(samples)}`, {
    train: part(samples, config.labelFile),
    validation: null,
    test: files[1] === undefined ? null : part(files[1], config.testLabelFile),
    findings: [],
  });
}
