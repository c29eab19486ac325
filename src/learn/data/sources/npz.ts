/** NumPy archives (.npz): the arrays of a ZIP file, by their names. */
import { z } from "zod";
import { file } from "../../../base/schema-fields.js";
import { type SourceSettings, sourceEntry } from "./entry.js";
import { basename, resolve } from "node:path";
import { unzipSync } from "fflate";
import { InputError } from "../../../base/errors.js";
import { nearestOf } from "../../../engine/graph/nearest.js";
import { readWholeFile } from "./files.js";
import type { DataFinding } from "../findings.js";
import { type NamedBytes, type NpyPart, samplesOf, sourceOfParts } from "./npy-parts.js";
import type { RawSource, SourceContext } from "../source.js";
import { listed } from "../words.js";

const schema = z.strictObject({
  source: z.literal("npz").describe("NumPy archive"),
  path: file("Archive"),
  samples: z.string().default("x_train").describe("Key of the samples"),
  inputs: z
    .record(z.string(), z.string())
    .optional()
    .describe("Several arrays of the same records instead of samples, for models with several inputs: name -> key"),
  testInputs: z.record(z.string(), z.string()).optional().describe("The same arrays of the test part: name -> key"),
  labelKey: z.string().default("y_train").describe("Key of the labels"),
  testSamples: z.string().default("x_test").describe("Key of the test samples, if any"),
  testLabelKey: z.string().default("y_test").describe("Key of the test labels, if any"),
  validationSamples: z.string().default("x_val").describe("Key of the validation samples, if any"),
  validationLabelKey: z.string().default("y_val").describe("Key of the validation labels, if any"),
});
type NpzSettings = SourceSettings<typeof schema>;

export const npzSource = sourceEntry({
  kind: "npz",
  schema,
  starter: {
    lines: [
      { field: "path", value: "my-data.npz", note: "CHANGE: the archive; relative to this file" },
      { field: "samples", value: "x_train" },
      { field: "labelKey", value: "y_train" },
      { field: "testSamples", value: "x_test", off: true },
      { field: "testLabelKey", value: "y_test", off: true },
    ],
  },
  read: readNpzSource,
});

/** What the recipe calls each array of an archive. */
const KEYS = {
  samples: "samples",
  labelKey: "label_key",
  validationSamples: "validation_samples",
  validationLabelKey: "validation_label_key",
  testSamples: "test_samples",
  testLabelKey: "test_label_key",
} as const;

function readNpzSource(config: NpzSettings, context: SourceContext): RawSource {
  const path = resolve(context.folder, config.path);
  const { inputs, testInputs = {} } = config;
  const further = [...Object.values(inputs ?? {}), ...Object.values(testInputs)];
  const wanted = new Set([...Object.keys(KEYS).map((key) => config[key as keyof typeof KEYS]), ...further]);
  const { entries, names } = unzip(path, wanted);
  const findings: DataFinding[] = [];
  const named = (key: keyof typeof KEYS): NamedBytes | null => {
    const bytes = entries.get(config[key]);
    if (bytes) return { name: `${path}: ${config[key]}`, bytes };
    // Only what the recipe says by itself must be there.
    if (key === "samples" || config[key] !== schema.shape[key].def.defaultValue)
      throw missingArray(path, KEYS[key], config[key], names);
    return null;
  };
  const arraysOf = (field: string, map: Readonly<Record<string, string>>): NpyPart["others"] =>
    Object.entries(map).map(([name, key]) => {
      const bytes = entries.get(key);
      if (!bytes) throw missingArray(path, `${field}.${name}`, key, names);
      return { name, array: samplesOf({ name: `${path}: ${key}`, bytes }) };
    });
  if (inputs)
    return sourceOfInputs(path, arraysOf("inputs", inputs) ?? [], arraysOf("test_inputs", testInputs) ?? [], named);
  const part = (samples: NamedBytes, labels: NamedBytes | null, title?: string): NpyPart => ({
    samples: samplesOf(samples),
    labels,
    ...(title === undefined ? {} : { title }),
  });
  const train = named("samples") as NamedBytes;
  const [validation, test] = [named("validationSamples"), named("testSamples")];
  const parts = {
    train: part(train, named("labelKey"), validation ? config.samples : undefined),
    validation: validation && part(validation, named("validationLabelKey"), config.validationSamples),
    test: test && part(test, named("testLabelKey"), validation ? config.testSamples : undefined),
  };
  const unused = names.filter((name) => !wanted.has(name) || isOrphan(name, config, names));
  if (unused.length > 0)
    findings.push({
      code: "arrays-unused",
      level: "note",
      where: path,
      text: `${unused.length === 1 ? "One array of the archive is" : `${unused.length} arrays of the archive are`} not used: ${listed(unused)}.`,
      count: unused.length,
      examples: unused.slice(0, 5),
    });
  if (!parts.train.labels)
    findings.push({
      code: "labels-absent",
      level: "note",
      where: path,
      text: `The archive has no array "${config.labelKey}", so the samples are used without labels.`,
      cure: "Set data.label_key if the labels have another name.",
    });
  return sourceOfParts(`npz ${basename(path)}`, { ...parts, findings });
}

/** Labels whose samples are not there. */
const isOrphan = (name: string, config: NpzSettings, names: readonly string[]): boolean =>
  (name === config.testLabelKey && !names.includes(config.testSamples)) ||
  (name === config.validationLabelKey && !names.includes(config.validationSamples));

type Arrays = NonNullable<NpyPart["others"]>;

/** A source of several arrays by name; the labels are those of the keys. */
function sourceOfInputs(
  path: string,
  train: Arrays,
  test: Arrays,
  named: (key: "labelKey" | "testLabelKey") => NamedBytes | null,
): RawSource {
  const [first] = train;
  if (!first)
    throw new InputError({
      code: "option-missing",
      where: "data.inputs",
      found: "it names no array",
      expected: "a key of the archive for each array by name",
      cure: "Name the arrays, or give data.samples",
    });
  const part = ([main, ...others]: Arrays, labels: NamedBytes | null): NpyPart => ({
    samples: (main as Arrays[number]).array,
    others,
    labels,
  });
  return sourceOfParts(`npz ${basename(path)}`, {
    input: first.name,
    train: part(train, named("labelKey")),
    validation: null,
    test: test.length > 0 ? part(test, named("testLabelKey")) : null,
    findings: [],
  });
}

function missingArray(path: string, field: string, name: string, names: readonly string[]): InputError {
  const near = nearestOf(name, names);
  return new InputError({
    code: "array-missing",
    where: `data.${field}`,
    found: `${path} has no array "${name}"`,
    expected: names.length > 0 ? `one of ${listed(names, 10)}` : "an archive that holds arrays",
    cure: near ? `Did you mean "${near}"? Set data.${field} to it` : `Set data.${field} to one of them`,
  });
}

/** The wanted arrays of an archive, and the names of all. */
function unzip(
  path: string,
  wanted: ReadonlySet<string>,
): { entries: ReadonlyMap<string, Uint8Array>; names: readonly string[] } {
  const bytes = readWholeFile(path, "a NumPy archive (.npz)");
  const nameOf = (entry: string): string => entry.replace(/\.npy$/, "");
  const names: string[] = [];
  try {
    const found = unzipSync(bytes, {
      filter: ({ name }) => {
        names.push(nameOf(name));
        return wanted.has(nameOf(name));
      },
    });
    return { entries: new Map(Object.entries(found).map(([name, data]) => [nameOf(name), data])), names };
  } catch (cause) {
    const zip = bytes[0] === 0x50 && bytes[1] === 0x4b;
    throw new InputError(
      {
        code: zip ? "file-damaged" : "file-type",
        where: path,
        found: `it is not a readable ZIP archive (${cause instanceof Error ? cause.message : cause})`,
        expected: "a NumPy archive (.npz)",
        cure: zip
          ? "Write or fetch it again"
          : "Write it with numpy.savez, or set data.source to npy for a single array",
      },
      { cause },
    );
  }
}
