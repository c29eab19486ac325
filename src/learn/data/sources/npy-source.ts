/** Samples and labels as NumPy arrays, one file each. */
import { z } from "zod";
import { file } from "../../../base/schema-fields.js";
import { type SourceSettings, sourceEntry } from "./entry.js";
import { basename, resolve } from "node:path";
import { InputError } from "../../../base/errors.js";
import { checkFile, readWholeFile } from "./files.js";
import { staysInFile } from "../memory.js";
import { npyFilePart } from "./npy-file.js";
import { type NamedBytes, type NpyPart, type NpySamples, samplesOf, sourceOfParts } from "./npy-parts.js";
import type { RawSource, SourceContext } from "../source.js";

const schema = z.strictObject({
  source: z.literal("npy").describe("NumPy arrays, one file each"),
  samples: file("Samples [N, ...]; integers stay integers (token ids [N, sequence])").optional(),
  inputs: z
    .record(z.string(), file("Array"))
    .optional()
    .describe("Several arrays of the same records instead of samples, for models with several inputs: name -> file"),
  labelFile: file("Labels [N]: integers or text; or one-hot [N, classes]").optional(),
  testSamples: file("Test samples").optional(),
  testInputs: z.record(z.string(), file("Array")).optional().describe("The same arrays of the test part: name -> file"),
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
  const train = arraysOf("data.inputs", config.samples, config.inputs);
  if (!train)
    throw new InputError({
      code: "option-missing",
      where: "data.samples",
      found: "neither samples nor inputs are given",
      expected: "the file of the samples, or a file for each array by name",
      cure: "Give data.samples or data.inputs",
    });
  const test = arraysOf("data.test_inputs", config.testSamples, config.testInputs);
  checkSameArrays(train, test);
  const files = [...train, ...(test ?? [])].map((array) => at(array.path));
  for (const file of files) checkFile(file, ARRAY);
  const inFile = staysInFile(config.memory, files);
  const bytesOf = (path: string): NamedBytes => ({ name: path, bytes: readWholeFile(path, ARRAY) });
  const read = ({ path }: GivenArray): NpySamples => (inFile ? npyFilePart(at(path)) : samplesOf(bytesOf(at(path))));
  const part = ([main, ...others]: readonly GivenArray[], labels: string | undefined): NpyPart => ({
    samples: read(main as GivenArray),
    others: others.map((array) => ({ name: array.name, array: read(array) })),
    labels: labels === undefined ? null : bytesOf(at(labels)),
  });
  if (config.testLabelFile && !test)
    throw new InputError({
      code: "option-missing",
      where: "data.test_samples",
      found: "data.test_label_file is there, but no samples that belong to it",
      expected: "the test samples",
      cure: "Give data.test_samples, or remove data.test_label_file",
    });
  return sourceOfParts(`npy ${basename(files[0] as string)}`, {
    ...(config.inputs ? { input: train[0]?.name } : {}),
    train: part(train, config.labelFile),
    validation: null,
    test: test && part(test, config.testLabelFile),
    findings: [],
  });
}

interface GivenArray {
  readonly name: string;
  readonly path: string;
}

/** The arrays of a part, the main one first; null where there are none. @throws InputError when both forms are given */
function arraysOf(
  field: string,
  samples: string | undefined,
  inputs: Readonly<Record<string, string>> | undefined,
): GivenArray[] | null {
  if (!inputs) return samples === undefined ? null : [{ name: "samples", path: samples }];
  const arrays = Object.entries(inputs).map(([name, path]) => ({ name, path }));
  if (samples === undefined && arrays.length > 0) return arrays;
  throw new InputError({
    code: "option-conflict",
    where: field,
    found: arrays.length > 0 ? "it is given beside samples" : "it names no array",
    expected: "samples, or a file for each array by name",
    cure: "Give one of them",
  });
}

/** @throws InputError when the test part has other arrays */
function checkSameArrays(train: readonly GivenArray[], test: readonly GivenArray[] | null): void {
  const odd =
    test?.find((a) => !train.some((b) => b.name === a.name)) ??
    train.find((a) => test && !test.some((b) => b.name === a.name));
  if (!odd) return;
  throw new InputError({
    code: "array-missing",
    where: "data.test_inputs",
    found: `the array "${odd.name}" is in one of the parts only`,
    expected: `the same arrays in both: ${train.map((a) => a.name).join(", ")}`,
    cure: "Name the same arrays under data.inputs and data.test_inputs",
  });
}
