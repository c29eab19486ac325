/** Samples and labels as NumPy arrays, one file each. */
import { z } from "zod";
import { file } from "../../../base/schema-fields.js";
import { type SourceSettings, sourceEntry } from "./entry.js";
import { basename, resolve } from "node:path";
import { InputError } from "../../../base/errors.js";
import { checkFile, readWholeFile } from "./files.js";
import { staysInFile } from "../memory.js";
import { npyFilePart } from "./npy-file.js";
import { type NamedBytes, type NpyPart, samplesOf, sourceOfParts } from "./npy-parts.js";
import type { RawSource, SourceContext } from "../source.js";

const schema = z.strictObject({
  source: z.literal("npy").describe("NumPy arrays, one file each"),
  samples: file("Samples [N, ...]; integers stay integers (token ids [N, sequence])"),
  labelFile: file("Labels [N]: integers or text; or one-hot [N, classes]").optional(),
  testSamples: file("Test samples").optional(),
  memory: z
    .enum(["auto", "whole", "file"])
    .default("auto")
    .describe(
      '"file" reads samples when they are needed and shuffles them in blocks, for data larger than memory; "whole" loads all samples; "auto" is "file" if the files exceed an eighth of the machine\'s memory, or one of them 2 GiB',
    ),
  testLabelFile: file("Test labels").optional(),
});
type NpySettings = SourceSettings<typeof schema>;

export const npySource = sourceEntry({
  kind: "npy",
  schema,
  starter: {
    lines: [
      { field: "samples", value: "x.npy", note: "CHANGE: samples [N, ...]; relative to this file" },
      {
        field: "labelFile",
        value: "y.npy",
        note: "CHANGE: labels [N], integers or text; omit them if the data has no labels",
      },
      { field: "testSamples", value: "x-test.npy", off: true },
      { field: "testLabelFile", value: "y-test.npy", off: true },
    ],
  },
  read: readNpySource,
});

const ARRAY = "a NumPy array (.npy)";

function readNpySource(config: NpySettings, context: SourceContext): RawSource {
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
